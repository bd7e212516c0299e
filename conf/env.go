package conf

import "strings"

const (
	envPrefix = "RLDB_"
	envFile   = "RLDB_CONFIG" // names the config file, as --config does
)

// environment is what the environment holds.
type environment struct {
	found
	file string // the config file, "" for none
}

// parseEnv reads the variables that begin with RLDB_.
func parseEnv(environ []string) environment {
	var e environment
	for _, entry := range environ {
		name, value, ok := strings.Cut(entry, "=")
		if !ok || !strings.HasPrefix(name, envPrefix) || isOthers(name, value) {
			continue
		}
		if name == envFile {
			e.file = value
			continue
		}
		source := "environment " + name
		if r := findEnv(name); r != nil {
			e.add(setting{r, source, value})
		} else {
			e.fault(source, "there is no such setting; --help lists them")
		}
	}
	return e
}

// findEnv is the row whose variable that is, or nil.
func findEnv(variable string) *row {
	for r := range rows {
		if variable == envName(r.name) || r.alias != "" && variable == envName(r.alias) {
			return r
		}
	}
	return nil
}

// envName is the environment variable of a key.
func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, "-", "_"))
}

// isOthers reports whether a variable of our prefix is not meant for the
// config: RLDB_TEST_* steers tests, and Kubernetes describes a service called
// "rldb" to every pod beside it by RLDB_SERVICE_HOST, RLDB_PORT_6379_TCP_ADDR
// and so on, RLDB_PORT itself becoming a URL. A node must start there as well.
func isOthers(name, value string) bool {
	rest := strings.TrimPrefix(name, envPrefix)
	for _, prefix := range []string{"TEST_", "SERVICE_HOST", "SERVICE_PORT", "PORT_"} {
		if strings.HasPrefix(rest, prefix) {
			return true
		}
	}
	return rest == "PORT" && strings.Contains(value, "://")
}

// Package integration tests the real rldb binary with real clients, beside a
// real redis-server. It owns the harness that builds and runs both, the
// differential test and the tests with redis-cli, redis-benchmark and go-redis.
// It must not know anything of rldb's packages: only the binary, its flags and
// its sockets. The invariant: no process outlives the test that started it, and
// a process that raced, panicked or exited other than with 0 fails that test.
//
// It needs redis-server, redis-cli and redis-benchmark 7.0 in the PATH and a C
// compiler (the binary under test is built with the race detector). Whatever is
// missing fails the tests with a sentence that says what to install.
//
// TestClusterPartitions, TestReplicationBrokenLink, TestReplicationCutOffMap and the cuts of
// TestReplicationFaults and TestReplicationOutage need root, ip and nft, TestCompose a Docker
// engine and docker compose. A machine without them skips these and says so: they have then
// not passed.
//
// replication_account_test.go judges histories of writes under failures, and
// replication_linear_test.go those of one key; both are tested with histories that they
// must refuse.
//
//	go test ./integration                            everything, short form
//	go test ./integration -run TestDifferential      every family of commands
//	go test ./integration -run TestDifferential/bits one family
//	RLDB_SOAK=1 go test -timeout 60m ./integration   the long form
//
// Environment:
//
//	RLDB_SOAK=1        long form: 120,000 commands, 512 MB values, 1M arguments,
//	                   20 kills of each engine with each setting of fsync
//	RLDB_ENGINE=NAME   this engine where a test names none, instead of memory
//	RLDB_SUBJECT=PATH  a ready binary instead of a fresh build; a name that starts
//	                   with redis-server is started as one (to test the tests)
//	RLDB_ARGS="..."    more arguments for the binary under test
//	RLDB_RACE=0        build without the race detector
//	RLDB_SEED=N        another seed for the differential test
//	RLDB_SEQUENCE=N    only this sequence of each family
//	RLDB_COMMANDS=N    this many commands in all instead of the form's number
package integration

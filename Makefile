# The targets of every day. `make check` is what CI runs.

.PHONY: check build test race fuzz integration soak bench

check: ## every check and test
	./check.sh

build:
	CGO_ENABLED=0 go build -trimpath -o rldb .

test: ## unit tests, quickly
	go test $$(go list ./... | grep -v /integration$$)

race:
	go test -race $$(go list ./... | grep -v /integration$$)

integration: ## real processes: redis-cli, redis-benchmark, go-redis
	go test -race -timeout 60m ./integration

soak: ## the long forms of all tests
	./check.sh --soak

FUZZTIME ?= 60s
fuzz: ## every fuzz test in turn, FUZZTIME each
	@for p in $$(grep -rl '^func Fuzz' --include=*_test.go . | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -h -o '^func Fuzz[A-Za-z0-9]*' $$p/*_test.go | cut -c6-); do \
	    echo "== $$p $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$p || exit 1; \
	  done; done

bench: ## rldb beside redis-server; takes a while
	go run ./bench

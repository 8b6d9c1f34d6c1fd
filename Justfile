# Portico's command surface; `just` alone lists it, `just help VERB` tells what one may be given.

set positional-arguments # what is typed reaches a verb as "$@", and is never text of a command
set no-exit-message # a verb has said itself what was wrong

# Whatever PYTHON* and LC_* say here, a verb runs the same: with the checkout's modules, and in UTF-8.
environment := ".venv/bin/python"
flags := "-E -X utf8"
python := environment + " " + flags

[private]
default:
    @just --list --unsorted

# Tell what the verbs are for, or what one of them may be given (just help logs)
[group('look')]
help *options: _ready
    @{{ python }} -m deploy help "$@"

# Print what completes verbs, options and functions' names in bash, zsh or fish (eval "$(just completions bash)")
[group('look')]
completions *options: _ready
    @{{ python }} -m deploy completions "$@"

# Start everything and wait until it is ready
[group('stack')]
up *options: (_none "up" options) (_prepare "local" "engine")
    @{{ python }} -m deploy up

# Start everything in the developer's view: what is saved is served, and one log to watch
[group('stack')]
dev *options: (_none "dev" options) (_prepare "local" "engine")
    @{{ python }} -m deploy dev

# Stop everything; --data deletes databases and secrets, too (asks)
[group('stack')]
down *options: _ready
    @{{ python }} -m deploy down "$@"

# Have N instances of a function run, 0 to 16 (just scale 4, just scale 2 users)
[group('stack')]
scale *options: _ready
    @{{ python }} -m deploy scale "$@"

# Bring the checkout as it is into service, one instance at a time; --all restarts also what did not change
[group('stack')]
deploy *options: (_prepare "local" "engine")
    @{{ python }} -m deploy deploy "$@"

# Have running gateways take in the manifests as they are now (routes, limits, upstreams), within 2 s and without a restart
[group('stack')]
apply *options: _ready
    @{{ python }} -m deploy apply "$@"

# Bring back what the last deploy replaced, one instance at a time
[group('stack')]
rollback *options: _ready
    @{{ python }} -m deploy rollback "$@"

# List what runs, where and for how long
[group('stack')]
ps *options: _ready
    @{{ python }} -m deploy ps "$@"

# Show the logs of everything, of a function or of one instance, and follow them on a terminal; --request ID tells one request's story
[group('stack')]
logs *options: _ready
    @{{ python }} -m deploy logs "$@"

# Look whether ports, rights, disk, versions, databases and the like are as a stack needs them, and say what to do where they aren't
[group('stack')]
doctor *options:
    @if test -x {{ environment }}; then exec {{ python }} -m deploy doctor "$@"; else exec python3 {{ flags }} -m deploy doctor "$@"; fi

# Build the image of every function, and show how large each is
[group('stack')]
images *options: _ready
    @{{ python }} -m deploy images "$@"

# Put a dozen products in; --again fills up what was sold of them
[group('data')]
seed *options: _ready
    @{{ python }} -m deploy seed "$@"

# Make somebody an admin by their address (just admin ann@example.com; asks); --create makes the account first, if nobody has that address
[group('data')]
admin *options: _ready
    @{{ python }} -m deploy admin "$@"

# Save the data of all functions, in a folder by its date below FOLDER (.portico/backups)
[group('data')]
backup *options: _ready
    @{{ python }} -m deploy backup "$@"

# Replace the data of all functions by that of a backup (just restore FOLDER; asks, --yes doesn't); --key FILE for one of another stack
[group('data')]
restore *options: _ready
    @{{ python }} -m deploy restore "$@"

# Sign tokens with a new key, while the old one is still believed; --now withdraws all others (asks)
[group('data')]
rotate-keys *options: _ready
    @{{ python }} -m deploy rotate-keys "$@"

# Take a tour with real calls, and see each request and answer
[group('look')]
smoke *options: _ready
    @{{ python }} -m deploy smoke "$@"

# List every route with its policies, and who said each; --json for programs
[group('look')]
routes *options: _ready
    @{{ python }} -m functions.gateway.listing "$@"

# Call a route, logged in where it wants that (just call POST /orders '{...}'); --as admin, --anonymous, -H 'Name: value'
[group('look')]
call *options: _ready
    @{{ python }} -m deploy call "$@"

# Tell what becomes of a request: its route, every stage with its settings, who could answer (just explain GET /users/42)
[group('look')]
explain *options: _ready
    @{{ python }} -m deploy explain "$@"

# Show whose limits are used and how far, all or those with TEXT in their names; --clear fills them again (asks)
[group('look')]
limits *options: _ready
    @{{ python }} -m deploy limits "$@"

# Show what the shared cache holds of a target (just cache look /products/tea), or have it forgotten: purge TARGET, purge FUNCTION --group NAME, purge --all
[group('look')]
cache *options: _ready
    @{{ python }} -m deploy cache "$@"

# Make a function that works (just new payments): its folder, its tests, its database; --stateless leaves the database out
[group('work')]
new *options: _ready
    @{{ python }} -m deploy new "$@"

# Put a service that is run by others behind the gateway, whatever it is written in (just add-upstream legacy http://10.0.0.7:9000)
[group('work')]
add-upstream *options: _ready
    @{{ python }} -m deploy add-upstream "$@"

# Take a function away (just remove payments), with its tests (asks); its data stays
[group('work')]
remove *options: _ready
    @{{ python }} -m deploy remove "$@"

# Put a function (just package orders), the runtime and all that they need into one archive, for Granian and NGINX Unit; --python 3.13 for another Python
[group('work')]
package *options: _ready
    @{{ python }} -m deploy package "$@"

# Write what NGINX Unit is told of the functions, from their manifests, to deploy/unit/
[group('work')]
unit-config *options: _ready
    @{{ python }} -m deploy unit-config "$@"

# Run the tests: all, or unit, contract, e2e, a file or a folder; pytest's options, too (just test unit -x -k cache)
[group('work')]
test *words:
    @python3 {{ flags }} -m deploy.suite.words "$@"
    @python3 {{ flags }} -m deploy.bootstrap "dev" "nginx" "redis-server" "psql" "chromium" "git"
    @{{ python }} -m deploy.suite.run "$@"

# Style, types, tests of units, and the contract tests of what changed since main (or the last commit), side by side
[group('work')]
check *options: (_none "check" options) (_prepare "dev" "nginx" "redis-server" "psql" "chromium" "git")
    @{{ python }} -m deploy.suite.check

# Send the front door and a gateway what nobody would write, ask every operation, try every parser: for a long while
[group('work')]
fuzz cases="10000" *options: (_cases cases options) (_prepare "dev" "nginx" "redis-server" "psql")
    FUZZ_CASES="$1" FUZZ_SEED=$(date +%s) FUZZ_EXAMPLES=200 {{ python }} -m pytest --timeout 3600 tests/contract/wire/test_fuzz.py tests/contract/wire/test_swelling.py tests/contract/wire/test_bystanders.py tests/contract/functions/test_openapi.py
    {{ python }} -m pytest --timeout 3600 tests/unit -m hypothesis --hypothesis-profile fuzz

# Do one fault after another to the running stack, under load, and account for every order; --short for a few of them
[group('work')]
chaos *options: _ready
    @{{ python }} -m deploy chaos "$@"

# Check style and types
[group('work')]
lint *options: (_none "lint" options) (_prepare "dev")
    {{ python }} -m ruff check
    {{ python }} -m ruff format --check
    {{ python }} -m mypy

# Put the code into its form
[group('work')]
fmt *options: (_none "fmt" options) (_prepare "dev")
    {{ python }} -m ruff format
    {{ python }} -m ruff check --fix

# Write what each function's image is made of (CycloneDX), and tell what is known to be wrong with that
[group('work')]
audit *options: (_none "audit" options) (_prepare "dev")
    @{{ python }} -m deploy.audit.run

# Measure the gateway beside its peers; results go to benchmarks/results/
[group('work')]
bench *options: (_prepare "local") (_prepare "bench" "nginx" "redis-server" "wrk" "taskset" "npm")
    @umask go-w && npm install --no-save --no-audit --no-fund --silent --prefix .portico/bench fastify@5.12.8 @fastify/http-proxy@11.6.3
    .portico/bench/venv/bin/python {{ flags }} -m benchmarks "$@"

# Resolve the dependency groups of pyproject.toml into requirements/
[group('work')]
lock *options: (_none "lock" options) (_prepare "dev")
    for group in $({{ python }} -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"])'); do \
        PATH="$PATH:.portico/uv/bin" uv pip compile pyproject.toml --quiet --group "$group" --universal --generate-hashes --no-header -o "requirements/$group.txt" || exit; \
    done

_prepare group *programs:
    @python3 {{ flags }} -m deploy.bootstrap "$@"

_ready:
    @test -x {{ environment }} || { echo 'Nothing is installed yet: run `just up` first.' >&2; exit 1; }

# VERB takes no more than it says.
_none verb more:
    @test -z "$2" || { echo "usage: just $1" >&2; exit 2; }

_cases number more:
    @case "$1$2" in '' | *[!0-9]*) echo 'usage: just fuzz [CASES]' >&2; exit 2 ;; esac

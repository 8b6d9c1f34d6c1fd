"""`just completions bash|zsh|fish`: a script that completes verbs, their options and the names of functions.

In: the Justfile and the verbs' parsers. Out: text for that shell. Elsewhere than in a checkout of Portico the script
completes the recipes of the Justfile that is there, as it is `just` that it completes.
"""

from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from deploy import arguments, recipes

_HERE = "functions/gateway/function.toml"  # what a checkout of Portico has


class Verb(NamedTuple):
    """What follows it: options with what they do, words, and whether names of functions may."""

    about: str
    options: list[tuple[str, str]]
    words: list[str]
    named: bool


def main(root: Path, shell: str) -> int:
    """Prints the script."""
    print("\n".join(_SCRIPTS[shell](_verbs(root))))
    return 0


def _verbs(root: Path) -> Mapping[str, Verb]:
    parsers = arguments.parsers()
    found = {each.name: _verb(each, parsers.get(each.name)) for each in recipes.recipes(root)}
    return found | {"help": found["help"]._replace(words=[*found])}


def _verb(recipe: recipes.Recipe, parser: ArgumentParser | None) -> Verb:
    if parser is None:
        return Verb(recipe.about, [], [], named=False)
    return Verb(recipe.about, recipes.options(parser), recipes.words(parser), named=recipes.named(parser))


def _bash(verbs: Mapping[str, Verb]) -> Iterator[str]:
    yield '# just, with Portico\'s verbs: eval "$(just completions bash)"'
    yield "_portico_just() {"
    yield "    local word=${COMP_WORDS[COMP_CWORD]} words="
    yield f'    if [ "$COMP_CWORD" -eq 1 ] || [ ! -e {_HERE} ]; then'
    yield "        words=$(just --summary 2>/dev/null)"
    yield "    else"
    yield "        case ${COMP_WORDS[1]} in"
    for name, verb in verbs.items():
        told = " ".join([*(option for option, _ in verb.options), *verb.words, *["$(_portico_functions)"] * verb.named])
        yield f'            {name}) words="{told}" ;;'
    yield "        esac"
    yield "    fi"
    yield '    COMPREPLY=($(compgen -W "$words" -- "$word"))'
    yield "}"
    yield from _functions()
    yield "complete -o default -F _portico_just just"


def _functions() -> Iterator[str]:
    """Their names, in any shell that has functions as POSIX has them."""
    yield "_portico_functions() {"
    yield '    for file in functions/*/function.toml; do file=${file%/*}; echo "${file##*/}"; done'
    yield "}"


def _zsh(verbs: Mapping[str, Verb]) -> Iterator[str]:
    yield "#compdef just"
    yield '# just, with Portico\'s verbs: eval "$(just completions zsh)", after compinit'
    yield "_portico_just() {"
    yield f"    if (( CURRENT == 2 )) || [[ ! -e {_HERE} ]]; then"
    yield "        compadd -- $(just --summary 2>/dev/null)"
    yield "        return"
    yield "    fi"
    yield "    case $words[2] in"
    for name, verb in verbs.items():
        plain = " ".join([*verb.words, *["$(_portico_functions)"] * verb.named])
        told = [f"compadd -- {' '.join(option for option, _ in verb.options)}"] if verb.options else []
        told += [f"compadd -- {plain}"] if plain else []
        yield f"        {name}) {'; '.join([*told, '_files'])} ;;"
    yield "    esac"
    yield "}"
    yield from _functions()
    yield "compdef _portico_just just"


def _fish(verbs: Mapping[str, Verb]) -> Iterator[str]:
    yield "# just, with Portico's verbs: just completions fish | source"
    yield "complete -c just -e"
    yield "complete -c just -n __fish_is_first_arg -f -a '(just --summary 2>/dev/null | string split \" \")'"
    for name, verb in verbs.items():
        after = f"complete -c just -n '__fish_seen_subcommand_from {name}; and test -e {_HERE}'"
        yield from (f"{after} -l {option[2:]} -d {quote(about)}" for option, about in verb.options)
        yield from (f"{after} -a {quote(word)}" for word in verb.words)
        if verb.named:
            yield f"{after} -a '(path basename (path dirname functions/*/function.toml))'"


_SCRIPTS = {"bash": _bash, "zsh": _zsh, "fish": _fish}

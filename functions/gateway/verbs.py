"""What `just limits` and `just cache` may be given: read by the verb, and by the command in a gateway that it runs.

In: a parser. Out: the same, with arguments. What carries them out is elsewhere, and takes longer to import.
"""

from argparse import ArgumentParser


def limits(parser: ArgumentParser) -> None:
    """Of functions.gateway.limits."""
    parser.add_argument("text", nargs="?", default="", help="a part of the names of those that are meant")
    parser.add_argument("--clear", action="store_true", help="fill them again (asks)")
    parser.add_argument("--yes", action="store_true", help="don't ask")


def cache(parser: ArgumentParser) -> None:
    """Of functions.gateway.cached."""
    parser.add_argument("what", choices=["look", "purge"])
    about = "as in /products/tea?size=2; with --group the function that the group is of"
    parser.add_argument("target", nargs="?", default="", help=about)
    parser.add_argument("--group", default="", help="purge all that is in this group (Cache-Groups)")
    parser.add_argument("--all", action="store_true", help="purge everything, of all functions")

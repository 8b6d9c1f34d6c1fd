"""`just help [VERB]`: what the verbs are for, and what one of them may be given.

In: the Justfile and the verbs' parsers. Out: text for a person.
"""

from difflib import get_close_matches
from pathlib import Path

from deploy import arguments, recipes
from deploy.engine import Refusal


def main(root: Path, about: str) -> int:
    """Raises Refusal for a verb that there is not."""
    found = {each.name: each for each in recipes.recipes(root)}
    if not about:
        print("\n".join(recipes.overview([*found.values()])))
        return 0
    if about not in found:
        near = get_close_matches(about, found, n=1)
        raise Refusal(
            f"There is no verb {about}: {f'{near[0]} is the nearest, and ' if near else ''}`just help` has all."
        )
    print(recipes.usage(found[about], arguments.parsers(about).get(about)))
    return 0

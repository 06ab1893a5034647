"""Whether two answers say the same: what a would-be hit is measured by when both answers are there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pyagent_plugins.cache.entry import normalised
from pyagent_plugins.cache.meaning.features import features
from pyagent_plugins.cache.meaning.guards import compare

if TYPE_CHECKING:
    from pyagent.embed.batch import AsyncEmbedder

# Two wordings of one answer by one model lie above, two answers mostly below; a number, name or negation that
# differs decides before it.
SAME = 0.8
SHORT = 40


async def agree(one: Any, other: Any, embed: AsyncEmbedder | None) -> bool:
    """JSON values agree when they are equal; short texts when they are equal but for case and punctuation; longer
    ones when no guard objects and their cosine is at least 0.8. Never True on doubt without an embedder."""
    if isinstance(one, dict) and isinstance(other, dict) and "output" in one and "output" in other:
        return await agree(one["output"], other["output"], embed)  # the Step keeps how it ended beside the answer
    if not (isinstance(one, str) and isinstance(other, str)):
        return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    first, second = _plain(one), _plain(other)
    if first == second:
        return True
    if embed is None or min(len(first), len(second)) < SHORT:
        return False
    if compare(features(one), features(other)) is not None:
        return False
    vectors = await embed.embed([one, other])
    return float(vectors[0] @ vectors[1]) >= SAME


def _plain(text: str) -> str:
    return normalised("".join(letter for letter in text.casefold() if letter.isalnum() or letter.isspace()))

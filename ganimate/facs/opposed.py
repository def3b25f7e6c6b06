"""AUs that no face shows together: who asks for the one does not want the other that the photo shows.

Lips that are pulled up by 12 are not pulled down by 15 as well, and a chin that pushes the lower lip up by 17 shuts
the mouth. With the photo's smile left as it is, `15=1` would be a grimace that none of those people made.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ganimate.facs.words import Word, parts

# Of 2,241 photos that FACS coders saw (CFEE; Du, Tao & Martinez 2014) 291 show 12 at C or more, and none of these shows
# 15, 17 or 20 at B or more; likewise of 165 with 15 and of 224 with 17. Of all photos 15 to 56 % show those. Only what
# holds the lips: that 7 is seen beside none of 1, 2, 5 and 12 is also how coders told it from 6.
OPPOSED: Mapping[int, tuple[int, ...]] = {12: (15, 17, 20), 15: (12,), 17: (12, 25, 26)}


def giving_way(photo: Mapping[Word, float], asked: Mapping[Word, float], named: Collection[Word]) -> dict[Word, float]:
    """Return what is left of the photo's AUs that oppose those that are `named`, and `asked` stronger than it has them.

    As much of each goes as the other comes, of all that it can; AUs that are named themselves stay as asked.
    """
    left: dict[Word, float] = {}
    for word in named:
        au = parts(word)
        if au is None or asked[word] <= photo[word]:
            continue
        share = 1 - (asked[word] - photo[word]) / (1 - photo[word])
        for other in photo:
            part = parts(other)
            if part is None or other in named or part[0] not in OPPOSED.get(au[0], ()):
                continue
            if au[1] in ("", part[1]) or not part[1]:
                left[other] = min(left.get(other, 1.0), photo[other] * share)
    return left

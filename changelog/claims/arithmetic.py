"""Percentages to the digit: what follows from what, and whether it was rounded or cut off."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Literal

Fit = Literal["rounded", "cut off", ""]


def growth(base: int, total: int) -> Fraction | None:
    """By how many per cent `total` is above `base`, exactly; None from nothing."""
    return Fraction((total - base) * 100, base) if base else None


def unit_of(percent: float) -> Fraction:
    """The last digit that a stated percentage shows: 1 for 609, a tenth for 609.6."""
    decimals = -int(Decimal(str(percent)).normalize().as_tuple().exponent)
    return Fraction(1, 10 ** max(decimals, 0))


def fit(percent: float, exact: Fraction) -> Fit:
    """How the stated percentage follows from the exact one: rounded, cut off, or not at all."""
    unit = unit_of(percent)
    stated = Fraction(str(percent))
    if math.floor(exact / unit + Fraction(1, 2)) * unit == stated:
        return "rounded"
    if math.floor(exact / unit) * unit == stated:
        return "cut off"
    return ""


def totals_that_round(percent: float, base: int) -> tuple[int, int] | None:
    """The lowest and the highest total whose growth from `base` rounds to the stated percentage."""
    unit = unit_of(percent)
    stated = Fraction(str(percent))
    lowest = math.ceil(base * (1 + (stated - unit / 2) / 100))
    highest = math.ceil(base * (1 + (stated + unit / 2) / 100)) - 1
    return (lowest, highest) if lowest <= highest else None


def said(exact: Fraction) -> str:
    """A percentage with two decimals and its sign."""
    value = Decimal(exact.numerator) / Decimal(exact.denominator)
    return f"{value.quantize(Decimal('0.01'), ROUND_HALF_UP):+,f} %"

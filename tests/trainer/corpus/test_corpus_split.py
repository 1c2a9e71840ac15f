"""The hold-out split leaks nothing, starves no label and depends on nothing but the seed."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.corpus.split import Item, split

ITEMS = st.lists(
    st.builds(
        Item,
        group=st.integers(0, 12).map("g{}".format),
        label=st.sampled_from([None, "a", "b", "c"]),
        clips=st.integers(1, 5),
    ),
    min_size=1,
    max_size=60,
)


@given(ITEMS, st.floats(0, 0.5), st.integers(0, 9))
def test_no_group_stands_on_both_sides_and_every_label_keeps_training_clips(
    items: list[Item], fraction: float, seed: int
) -> None:
    result = split(items, fraction, seed)
    sides = defaultdict(set)
    for item, held_out in zip(items, result.held_out, strict=True):
        sides[item.group].add(held_out)
    assert all(len(side) == 1 for side in sides.values())
    training = {item.label for item, held_out in zip(items, result.held_out, strict=True) if not held_out}
    assert training == {item.label for item in items}


@given(ITEMS, st.floats(0.05, 0.5), st.integers(0, 9))
def test_the_split_does_not_depend_on_the_order(items: list[Item], fraction: float, seed: int) -> None:
    shuffled = random.Random(0).sample(items, len(items))
    sides = [
        dict(zip((item.group for item in order), split(order, fraction, seed).held_out, strict=True))
        for order in (items, shuffled)
    ]
    assert sides[0] == sides[1]


def test_the_fraction_is_reached_in_every_label() -> None:
    items = [Item(f"g{index}", "ab"[index % 2], 1) for index in range(400)]
    held_out = split(items, 0.1, 0).held_out
    for label in "ab":
        assert sum(held for item, held in zip(items, held_out, strict=True) if item.label == label) == 20


def test_few_clips_a_label_still_give_the_fraction_over_all() -> None:
    items = [Item(f"g{index}", f"label{index // 5}", 1) for index in range(50)]
    assert sum(split(items, 0.1, 0).held_out) == 5


def test_another_seed_holds_out_other_groups() -> None:
    items = [Item(f"g{index}", None, 1) for index in range(100)]
    assert split(items, 0.1, 0).held_out != split(items, 0.1, 1).held_out


def test_three_speakers_give_one_to_the_held_out_side() -> None:
    items = [Item(f"speaker{index % 3}", f"digit{index % 10}", 1) for index in range(90)]
    assert sum(split(items, 0.1, 0).held_out) == 30


@pytest.mark.parametrize(
    ("items", "says"),
    [
        ([Item("one", "a", 1), Item("one", "b", 3)], "only one group"),
        ([Item("g1", "a", 1), Item("g2", "b", 3)], "last one of some label"),
    ],
)
def test_what_cannot_be_split_says_why(items: list[Item], says: str) -> None:
    result = split(items, 0.2, 0)
    assert not any(result.held_out)
    assert says in result.notes[0]


def test_no_fraction_holds_nothing_out_silently() -> None:
    assert split([Item("a", None, 1), Item("b", None, 1)], 0.0, 0).notes == ()


def test_the_corpus_own_split_wins_and_its_leaks_are_told() -> None:
    items = [Item("anna", "0", 1, True), Item("anna", "0", 1, False), Item("bob", "0", 1, None)]
    result = split(items, 0.5, 0)
    assert result.held_out == (True, False, False)
    assert result.notes == ("the corpus' own split is used", "that split puts 1 of 2 groups on both sides")
    assert "one side" in split(items[:1], 0.5, 0).notes[1]

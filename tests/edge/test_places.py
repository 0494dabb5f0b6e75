"""Memory for bodies on their way: whatever the order of coming and going, what was taken is given back."""

from contextlib import AbstractContextManager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raglan.core.errors import Overloaded
from raglan.edge.places import Places

MOST, SHARE = 100, 40
steps = st.lists(
    st.one_of(
        st.tuples(st.just("come"), st.sampled_from("abc"), st.integers(0, 45)),
        st.tuples(st.just("go"), st.integers(0, 30), st.just(0)),
    ),
    max_size=60,
)


@given(steps)
def test_any_order_of_coming_and_going_gives_back_what_was_taken(steps: list[tuple[str, object, int]]) -> None:
    places = Places(MOST, share=SHARE)
    inside: list[tuple[str, int, AbstractContextManager[None]]] = []
    for what, who, size in steps:
        if what == "come":
            entered = places.keep(who, size)
            own = sum(taken for name, taken, _ in inside if name == who)
            fits = sum(taken for _, taken, _ in inside) + size <= MOST and (not size or own + size <= SHARE)
            if fits:
                entered.__enter__()
                inside.append((str(who), size, entered))
            else:
                with pytest.raises(Overloaded):
                    entered.__enter__()
        elif inside:
            assert isinstance(who, int)
            inside.pop(who % len(inside))[2].__exit__(None, None, None)
    for _, _, entered in inside:
        entered.__exit__(None, None, None)

    with places.keep("a", SHARE), places.keep("b", SHARE), places.keep("c", MOST - 2 * SHARE):
        pass


def test_a_question_without_a_body_outlasts_a_body_of_the_same_source() -> None:
    places = Places(MOST, share=SHARE)
    body, question = places.keep(1, 10), places.keep(1, 0)
    body.__enter__()
    question.__enter__()

    body.__exit__(None, None, None)
    question.__exit__(None, None, None)

    with places.keep(1, SHARE):
        pass

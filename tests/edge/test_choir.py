"""Many are told the same in one go; who is gone by then is passed over."""

from raglan.edge.choir import Write, write_all


def test_all_hear_the_same_in_their_order_and_who_is_gone_is_passed_over() -> None:
    heard: list[tuple[int, bytes]] = []

    def to(number: int) -> Write:
        def write(piece: bytes) -> None:
            if number in (0, 3, 4, 9):
                raise RuntimeError if number else OSError
            heard.append((number, piece))

        return write

    write_all((to(number) for number in range(10)), b"news")
    assert heard == [(number, b"news") for number in (1, 2, 5, 6, 7, 8)]
    write_all([], b"news")

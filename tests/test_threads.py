import pytest

from classification.threads import cores, on_all_cores, one_blas_thread


def blas_threads():
    from threadpoolctl import threadpool_info

    return [info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"]


def test_blas_has_one_thread_inside_however_deep_and_as_many_as_before_outside():
    import numpy as np

    np.ones((2, 2)) @ np.ones((2, 2))
    before = blas_threads()
    with one_blas_thread():
        with one_blas_thread():
            assert set(blas_threads()) == {1}
        assert set(blas_threads()) == {1}
    assert blas_threads() == before


def test_every_item_is_worked_on_once_and_every_thread_is_prepared():
    seen, started = [], []
    on_all_cores(seen.append, range(100), initializer=lambda: started.append(1))
    assert sorted(seen) == list(range(100))
    assert 1 <= len(started) <= cores()


def test_an_error_in_a_thread_is_raised_and_the_limit_lifted():
    before = blas_threads()
    with pytest.raises(ZeroDivisionError):
        on_all_cores(lambda item: 1 / item, [1, 0])
    assert blas_threads() == before

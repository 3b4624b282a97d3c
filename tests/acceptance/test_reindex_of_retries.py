"""The index is made anew beside a task that is to be tried again."""

from command_line import until, words
from stored_runs import stored_task
from test_retry import tried


# SPEC 12.4-4
# SPEC 10.3-3
def test_an_index_made_anew_beside_a_task_that_waits_for_its_retry_leaves_it_waiting(folder):
    folder.file(tried("@retry(times=1, delay=600)"))
    process = folder.begin()
    try:
        until(lambda: "retrying" in folder.call("flow.py", "show", "1/start/1").stdout, "it waits")

        done = folder.call("-m", "stepwell", "reindex")

        assert done.returncode == 0, words(done)
        waiting = stored_task(folder, "1/start/1")
        assert waiting.status == "retrying" and not waiting.finished
    finally:
        process.terminate()
        process.wait(30)

"""Published runs become a workspace's own, once, and nothing that is there is lost."""

import pytest
from published import publish_made_up

from neurallnet.errors import ConfigError, RunError
from neurallnet.paths import Workspace
from neurallnet.readlog import append_test_read
from neurallnet.reproduce import reproduce
from neurallnet.restore import restore
from neurallnet.runs import TEST_READS, open_run


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return publish_made_up(tmp_path_factory.mktemp("restore")) / "full"


def test_every_published_run_and_the_log_of_readings_are_there(published, tmp_path):
    work = Workspace(tmp_path)
    names = sorted(folder.name for folder in (published / "runs").iterdir())
    assert restore(published, work) == len(names) == 3
    for name in names:
        run = open_run(work.runs / name)
        assert run.predictions("test").equals(open_run(published / "runs" / name).predictions("test"))
    assert (work.evidence / TEST_READS).read_bytes() == (published / "evidence" / TEST_READS).read_bytes()
    assert sorted(path.name for path in work.runs.iterdir()) == names


def test_what_is_there_is_kept_and_an_unfinished_training_gives_way(published, tmp_path):
    work = Workspace(tmp_path)
    restore(published, work)
    first, second, _ = sorted(work.runs.iterdir())
    (first / "mine.txt").write_text("kept")
    (second / "run.json").unlink()
    append_test_read(work.evidence / TEST_READS, "test fold", "mine", "split")
    longer = (work.evidence / TEST_READS).read_bytes()
    assert restore(published, work) == 1 and (second / "run.json").is_file()
    assert (first / "mine.txt").read_text() == "kept" and (work.evidence / TEST_READS).read_bytes() == longer
    assert restore(published, work) == 0


def test_a_workspace_with_readings_of_its_own_is_refused(published, tmp_path):
    work = Workspace(tmp_path)
    append_test_read(work.evidence / TEST_READS, "test fold", "mine", "split")
    with pytest.raises(RunError, match="another log than that of the published runs"):
        restore(published, work)
    assert not work.runs.exists()


def test_nothing_published_is_said(tmp_path):
    with pytest.raises(RunError, match="holds no published runs"):
        restore(tmp_path, Workspace(tmp_path / "work"))


def test_drawn_images_have_no_published_runs(tmp_path):
    with pytest.raises(ConfigError, match="only runs of profile full"):
        reproduce("smoke", work=tmp_path, published=True)

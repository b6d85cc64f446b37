"""Published runs become a workspace's own, once, and nothing that is there is lost."""

from pathlib import Path

import pytest
from filelock import FileLock
from published import publish_made_up

from neurallnet.arms import make_arm
from neurallnet.data.manifest import manifest_digest, read_manifest
from neurallnet.data.tables import write_text
from neurallnet.errors import ConfigError, RunError
from neurallnet.paths import Workspace
from neurallnet.readlog import append_test_read
from neurallnet.reproduce import reproduce, stamp_runs
from neurallnet.restore import restore
from neurallnet.runs import TEST_READS, open_run

PROBE = "probe-colour-random-0.csv"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    full = publish_made_up(tmp_path_factory.mktemp("restore")) / "full"
    (full / "evidence" / PROBE).write_text("what colour alone said of these images")
    return full


@pytest.fixture(scope="module")
def digest(published):
    return manifest_digest(read_manifest(published / "manifests" / "taleqani").frame)


def test_every_published_run_and_the_log_of_readings_are_there(published, digest, tmp_path):
    work = Workspace(tmp_path)
    names = sorted(folder.name for folder in (published / "runs").iterdir())
    assert restore(published, work, digest) == len(names) == 3
    for name in names:
        run = open_run(work.runs / name)
        assert run.predictions("test").equals(open_run(published / "runs" / name).predictions("test"))
    assert (work.evidence / TEST_READS).read_bytes() == (published / "evidence" / TEST_READS).read_bytes()
    assert sorted(path.name for path in work.runs.iterdir() if path.is_dir()) == names
    assert (work.evidence / PROBE).is_file()


def test_what_no_run_of_the_chapters_makes_again_is_there(published, digest, tmp_path):
    """Else publishing from a restored workspace would drop it; evidence that every run makes anew is left to the chapters."""
    made, smears = published / "evidence" / "robustness_no-se.json", published / "manifests" / "synthetic" / "manifest.csv"
    smears.parent.mkdir(exist_ok=True)
    for path in (made, smears, published / "evidence" / "external_bccd_no-se-0.json"):
        path.write_text("kept")
    work = Workspace(tmp_path)
    restore(published, work, digest)
    assert {path.name for path in work.evidence.glob("*.json")} == {made.name, "external_bccd_no-se-0.json"}
    assert (work.manifests / "synthetic" / "manifest.csv").read_text() == "kept"
    assert not (work.manifests / "taleqani").exists(), "a user's images are looked at, not taken for the publisher's"
    for path in (made, smears, published / "evidence" / "external_bccd_no-se-0.json"):
        path.unlink()


def test_a_finished_run_is_stamped_once_and_no_other(published, digest, tmp_path):
    """The workflow asks for stamps/<arm>-<address>.done, newer than stamps/manifest.txt, before it starts a training."""
    work = Workspace(tmp_path)
    restore(published, work, digest)
    write_text(digest, tmp_path / "stamps" / "manifest.txt")
    (work.runs / f"{make_arm('full', 'base').config.digest()}-{digest[:8]}" / "run.json").unlink()
    stamps = stamp_runs(work, "full", digest)
    arms = ("committee-stained", "no-se")
    assert sorted(stamps) == [tmp_path / "stamps" / f"{arm}-0-{make_arm('full', arm).config.digest()}.done" for arm in arms]
    assert stamps[0].stat().st_mtime_ns >= (tmp_path / "stamps" / "manifest.txt").stat().st_mtime_ns
    assert stamp_runs(work, "full", digest) == [] == stamp_runs(work, "full", "0123456789")


def test_runs_of_other_images_do_not_stand_in(published, tmp_path):
    with pytest.raises(RunError, match="holds no runs of these images"):
        restore(published, Workspace(tmp_path), "0123456789")
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_kept_and_an_unfinished_training_gives_way(published, digest, tmp_path):
    work = Workspace(tmp_path)
    restore(published, work, digest)
    first, second, _ = sorted(path for path in work.runs.iterdir() if path.is_dir())
    (first / "mine.txt").write_text("kept")
    (second / "run.json").unlink()
    append_test_read(work.evidence / TEST_READS, "test fold", "mine", "split")
    longer = (work.evidence / TEST_READS).read_bytes()
    assert restore(published, work, digest) == 1 and (second / "run.json").is_file()
    assert (first / "mine.txt").read_text() == "kept" and (work.evidence / TEST_READS).read_bytes() == longer
    assert restore(published, work, digest) == 0


def test_a_run_that_another_process_finishes_meanwhile_is_kept(published, digest, tmp_path, monkeypatch):
    """The lock is free once that process is done, and its run.json is there."""
    work = Workspace(tmp_path)

    class Finishing(FileLock):
        def __enter__(self):
            folder = work.runs / Path(self.lock_file).name.removeprefix(".").removesuffix(".lock")
            folder.mkdir(parents=True)
            (folder / "run.json").write_text("mine")
            return super().__enter__()

    monkeypatch.setattr("neurallnet.restore.FileLock", Finishing)
    restore(published, work, digest)
    assert {path.read_text() for path in work.runs.glob("*/run.json")} == {"mine"}


def test_a_workspace_with_readings_of_its_own_is_refused(published, digest, tmp_path):
    work = Workspace(tmp_path)
    append_test_read(work.evidence / TEST_READS, "test fold", "mine", "split")
    with pytest.raises(RunError, match="another log than that of the published runs"):
        restore(published, work, digest)
    assert not work.runs.exists()


def test_nothing_published_is_said(tmp_path):
    with pytest.raises(RunError, match="holds no runs of these images"):
        restore(tmp_path, Workspace(tmp_path / "work"), "0123456789")


def test_drawn_images_have_no_published_runs(tmp_path):
    with pytest.raises(ConfigError, match="only runs of profile full"):
        reproduce("smoke", work=tmp_path, published=True)

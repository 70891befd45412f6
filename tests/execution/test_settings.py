"""What people write as settings: every mistake is one message that names the setting, its value and the cure."""

import numpy as np
import pytest

import songbench
from songbench.contracts import registry
from songbench.contracts.parameters import parameters_of
from songbench.domain.errors import InputError
from songbench.domain.overrides import nested, read_overrides
from songbench.execution.composition import compose, setting_names
from songbench.execution.config import plan_experiment
from songbench.execution.settings import Settings, read_settings


def plan(*overrides, **options):
    options = {"systems": ["silence"], "metrics": ["audio"], **options}
    return plan_experiment(overrides=overrides, **options)


def refusal(*overrides, **options):
    with pytest.raises(InputError) as caught:
        plan(*overrides, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("override", "field", "cure"),
    [
        ("takes=true", "takes", "Expected a whole number, found True"),
        ("takes=1.5", "takes", "Expected a whole number, found 1.5"),
        ("takes='2'", "takes", "Leave the quotes out"),
        ("takes=0", "takes", "Expected a number >= 1, found 0"),
        ("takes=10001", "takes", "Expected a number <= 10000"),
        ("takes=null", "takes", "Expected a whole number, found None"),
        ("takes={a: 1}", "takes", "Expected a whole number"),
        ("takes=1,2", "takes", "stands for several values"),
        ("takes=range(1,3)", "takes", "stands for several values"),
        ("takes=???", "takes", "mandatory"),
        ("takes=${oc.env:SONGBENCH_NO_SUCH_VARIABLE}", "takes", "SONGBENCH_NO_SUCH_VARIABLE"),
        ("takes=${nowhere}", "takes", "nowhere"),
        ("seed=abc", "seed", "Expected a whole number, found 'abc'"),
        ("seed=-1", "seed", "Expected a number >= 0"),
        ("seed=9223372036854775808", "seed", "Expected a number <= 9223372036854775807"),
        ("seed=nan", "seed", "Expected a whole number, found nan"),
        ("retry_failed=yes", "retry_failed", "Expected true or false, found 'yes'"),
        ("name='x", "name", "Close every bracket and quote"),
        ("name=12", "name", "Put it in quotes"),
        ("name=a/b", "name", "cannot name a run"),
        ("name=.hidden", "name", "cannot name a run"),
        (f"name={'名' * 70}", "name", "at most 200 bytes"),
        ("store=", "store", "Expected a text that is not empty"),
        ("suite=demoo", "suite", "Did you mean 'demo'?"),
        ("suite.source=3", "suite.source", "Expected text, found 3"),
        ("engine=null", "engine", "Allowed: inline, local"),
        ("engine=inlin", "engine", "Did you mean 'inline'?"),
        ("engine.name=inlin", "engine.name", "Did you mean 'inline'?"),
        ("engine.workers=0", "engine.workers", "Expected a number >= 1"),
        ("engine.workers=many", "engine.workers", "Expected a whole number"),
        ("engine.batch=-3", "engine.batch", "Expected a number >= 1"),
        ("engine.retries=1000", "engine.retries", "Expected a number <= 100"),
        ("engine.timeout_s=inf", "engine.timeout_s", "Expected a finite number"),
        ("engine.timeout_s=0", "engine", "needs a timeout_s above 0"),
        ("statistics.confidence=95", "statistics.confidence", "Expected a number <= 0.999, found 95"),
        ("statistics.confidence=0", "statistics.confidence", "Expected a number >= 0.5"),
        ("statistics.replicates=3", "statistics.replicates", "Expected a number >= 100"),
        ("statistics.seed=0.5", "statistics.seed", "Expected a whole number"),
        ("statistics.sed=1", "statistics.sed", "Did you mean 'statistics.seed'?"),
        ("statistics={confidense: 0.9}", "statistics.confidense", "Did you mean 'confidence'?"),
        ("statistics=3", "statistics", "statistics.confidence, statistics.replicates"),
        ("taks=2", "taks", "Did you mean 'takes'?"),
        ("+x=1", "x", "There is no setting 'x'"),
        ("takes.x=1", "takes.x", "There is no setting"),
        ("hydra.searchpath=[/tmp]", "hydra.searchpath", "There is no setting"),
        ("system=3", "system", "system.NAME.KEY"),
        ("system.silence=3", "system.silence", "Expected names with values, found 3"),
        ("system.silnce.x=1", "system.silnce", "Did you mean 'silence'?"),
        ("system.silence.x=1", "system.silence.x", "no setting 'x', nor any other"),
        ("system.rulebased.voice=female", "system.rulebased.voice", "takes no part in this run"),
        ("system.silence.variant=x", "system.silence.variant", "Write it in --systems"),
        ("metric=papr", "metric", "Did you mean 'paper'?"),
        ("metric.adio.x=1", "metric.adio", "Did you mean 'audio'?"),
        ("metric.audio.x=1", "metric.audio.x", "audio has no setting 'x'"),
        ("metric.audio=loud", "metric.audio", "Expected names with values"),
        ("metric.fad.layer=3", "metric.fad.layer", "takes no part in this run"),
        ("~takes", "--set", "would remove a setting"),
        ("nonsense", "--set", "Write key=value"),
        ("=3", "--set", "Write key=value"),
        ("a..b=3", "--set", "names joined by single dots"),
        ("metric.per@whisper-base-stem.x=1", "--set", "under its bare name"),
        (f"name={'[' * 3000}", "name", "cannot be read"),
        (f"name={'x' * 5000}", "name", "longer than 4000"),
    ],
)
def test_a_wrong_setting_is_named_with_its_cure(override, field, cure):
    text = refusal(override)
    assert text.startswith(f"field '{field}': ")
    assert cure in text


def test_settings_of_plug_ins_are_checked_against_what_they_take():
    with pytest.raises(InputError, match=r"'system\.rulebased\.voic': .*Did you mean 'voice'"):
        plan("system.rulebased.voic=female", systems=["rulebased"])
    with pytest.raises(InputError, match=r"'system\.rulebased\.voice': .*Did you mean 'female'"):
        plan("system.rulebased.voice=femal", systems=["rulebased"])
    with pytest.raises(InputError, match=r"'system\.rulebased\.bpm': Expected a number, found 'fast'"):
        plan("system.rulebased.bpm=fast", systems=["rulebased"])
    with pytest.raises(InputError, match=r"'system\.rulebased\.bpm': Expected a finite number"):
        plan("system.rulebased.bpm=inf", systems=["rulebased"])
    with pytest.raises(InputError, match=r"'system\.damaged\.base_settings\.voic'.*Did you mean 'voice'"):
        plan("system.damaged.base_settings.voic=male", systems=["damaged:noise-1"])
    with pytest.raises(InputError, match=r"'metric\.fad\.laier': .*Did you mean 'layer'"):
        plan("metric.fad.laier=3", metrics=["fad"])
    with pytest.raises(InputError, match=r"'metric\.fad\.layer': Expected a whole number, found 'deep'"):
        plan("metric.fad.layer=deep", metrics=["fad"])
    with pytest.raises(InputError, match=r"'metric\.clap\.loudness': Expected a number <= 0, found 14"):
        plan("metric.clap.loudness=14", metrics=["clap"])
    with pytest.raises(InputError, match=r"'metric\.aesthetics\.batch': Expected a number >= 1, found 0"):
        plan("metric.aesthetics.batch=0", metrics=["aesthetics"])


def test_a_setting_of_one_backend_goes_to_the_backends_that_have_it():
    metrics = {metric.id: metric for metric in plan("metric.fad.layer=4", metrics=["fad"]).metrics}
    assert metrics["fad@mert-v1-95m"].parameters == {"layer": 4}
    assert metrics["fad@musicnn"].parameters == {}
    with pytest.raises(InputError, match="fad@musicnn has no setting 'layer'"):
        plan("metric.fad.layer=4", metrics=["fad@musicnn"])


def test_good_settings_arrive():
    experiment = plan(
        "engine=inline", "takes=2", "++seed=3", "takes=4", "name=größe 名", "statistics={confidence: 0.9}"
    )
    assert (experiment.takes, experiment.seed, experiment.name) == (4, 3, "größe 名")
    assert experiment.engine.name == "inline" and experiment.engine.retries == 0
    assert experiment.statistics == {"confidence": 0.9, "replicates": 2000, "seed": 0}
    assert plan("engine.workers=2", "takes=${engine.workers}").takes == 2
    assert plan("system.silence=null").systems[0].parameters == {}


def test_composing_again_starts_from_the_defaults():
    changed = compose(["takes=5", "system.rulebased.voice=female"])
    assert changed["takes"] == 5
    assert compose()["takes"] == 1 and compose()["system"]["rulebased"] == {}
    read_settings(compose())


def test_options_from_python_are_checked_like_settings(tmp_path):
    def run_refusal(**options):
        with pytest.raises(InputError) as caught:
            songbench.run(**options)
        return str(caught.value)

    assert "Did you mean 'systems'?" in run_refusal(sistems=["silence"])
    assert "overrides=['key=value']" in run_refusal(replicates=3)
    assert "Expected a list of texts, found 'silence'" in run_refusal(systems="silence")
    assert "Write metrics=['per']" in run_refusal(metrics="per")
    assert "Expected a list of texts" in run_refusal(systems=["silence", 3])
    assert "field 'retry_failed': Expected True or False, found 'no'" in run_refusal(retry_failed="no")
    assert "field 'overrides'" in run_refusal(overrides="takes=2")
    assert "field 'takes': Expected a whole number, found True" in refusal(takes=True)
    assert "field 'seed': Expected a whole number, found '3'" in refusal(seed="3")
    assert "field 'engine.workers': Expected a number >= 1" in refusal(workers=0)
    assert "field 'store': Expected text" in refusal(store=3)
    assert "field 'runs'" in refusal(runs=b"here")
    assert "field 'systems': Expected at least one entry" in refusal(systems=[])
    assert "lone surrogates" in refusal(suite="\ud800.jsonl")
    assert "NUL" in refusal(store="a\0b")
    assert "'runs': The path 'xxx" in refusal(runs="x" * 256)
    assert "'store': The path 'a/a/" in refusal(store="a/" * 2001)
    experiment = plan(takes=np.int64(2), store=tmp_path / "store", systems=("silence",), runs=tmp_path)
    assert (experiment.takes, experiment.store, experiment.runs) == (2, str(tmp_path / "store"), tmp_path)
    literal = plan(store="a${b}c")
    assert literal.store == "a${b}c", "an option is text, not a reference to a setting"


def test_one_reading_of_set_for_all_commands():
    texts = [
        "a.b=1",
        "a.c=[x, 'y, z']",
        "a.d=1e-3",
        "e='A: B'",
        "f=C: D",
        "g=null",
        "h=file (1).wav",
        "i=歌",
        "j={k: true}",
    ]
    tree = nested(read_overrides(texts))
    assert tree == {
        "a": {"b": 1, "c": ["x", "y, z"], "d": 0.001},
        "e": "A: B",
        "f": "C: D",
        "g": None,
        "h": "file (1).wav",
        "i": "歌",
        "j": {"k": True},
    }
    with pytest.raises(InputError, match="settings of its own"):
        nested(read_overrides(["a=1", "a.b=2"]))


def test_every_setting_has_a_name_and_plug_ins_declare_theirs():
    assert {"takes", "engine.timeout_s", "statistics.confidence", "suite.source"} <= set(setting_names())
    assert set(compose()) == set(Settings.model_fields)
    for group in (registry.SYSTEMS, registry.METRICS):
        for name in registry.names(group):
            if name != "broken":
                assert parameters_of(registry.load(group, name)) is not None


def test_annotations_that_cannot_be_evaluated_are_no_obstacle():
    def factory(plain, when: "NoSuchType" = None, copy: int = 3, **rest):  # noqa: F821
        return plain

    declared = parameters_of(factory)
    declared.check({"plain": [1], "when": "now", "copy": 2, "other": 1}, "system 'x'")
    with pytest.raises(InputError, match="field 'copy': Expected a whole number"):
        declared.check({"plain": 1, "copy": "two"}, "system 'x'")
    with pytest.raises(InputError, match="field 'plain': The field is missing"):
        declared.check({}, "system 'x'")

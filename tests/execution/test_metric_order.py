from songbench.contracts.cards import READY
from songbench.contracts.registry import build_metric
from songbench.execution.experiment import ConfiguredMetric
from songbench.execution.metric_order import computing_order


def order(*identifiers):
    metrics = [ConfiguredMetric(name, {}, build_metric(name), READY) for name in identifiers]
    return [metric.id for metric in computing_order(metrics)]


def test_metrics_of_one_model_come_one_after_the_other():
    asked_for = ("fad@mert-v1-95m", "clap@laion-music", "audio", "kad@mert-v1-95m", "fad@clap-laion-music")
    expected = ["fad@mert-v1-95m", "kad@mert-v1-95m", "clap@laion-music", "fad@clap-laion-music", "audio"]
    assert order(*asked_for) == expected


def test_without_anything_in_common_the_order_stays():
    metrics = ["rtf", "fad@musicnn", "audio"]
    assert order(*metrics) == metrics


def test_of_two_models_it_is_enough_to_share_one():
    stem, separated, mix = (f"per@whisper-base-{kind}" for kind in ("stem", "separated", "mix"))
    assert order(stem, "fad@musicnn", separated, mix) == [stem, separated, mix, "fad@musicnn"]

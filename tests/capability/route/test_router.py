"""The router as a library: from a table, from outcomes, from both; with holes, odd shapes and odd texts."""

from __future__ import annotations

import numpy as np
import pytest

from pyagent.model import Model
from pyagent_plugins.capability import Router
from pyagent_plugins.capability.registry.registry import Registry
from pyagent_plugins.capability.route.decision import Decision
from tests.capability.route.fleet import cells, measure

NAMES = ["small", "large"]


def world(n: int = 900, seed: int = 0) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """(prompts, outcomes, costs, whether small is bad at it): small fails at law, both know cooking."""
    rng = np.random.default_rng(seed)
    law, cook = ["court", "plaintiff", "statute", "tort", "appeal"], ["onion", "butter", "oven", "flour", "pan"]
    hard = rng.uniform(size=n) < 0.5
    prompts = [" ".join(rng.choice(law if bad else cook, 12)) + " please explain" for bad in hard]
    chance = np.stack([np.where(hard, 0.15, 0.9), np.where(hard, 0.85, 0.92)], axis=1)
    outcomes = (rng.uniform(size=(n, 2)) < chance).astype(float)
    costs = np.array([len(prompt) for prompt in prompts])[:, None] * np.array([1e-7, 2e-6])
    return prompts, outcomes, costs, hard


@pytest.fixture(scope="module")
def learned() -> Router:
    prompts, outcomes, costs, _ = world()
    return Router(NAMES, embed=False).fit(prompts, outcomes, costs)


def test_outcomes_teach_where_the_small_model_is_enough(learned: Router) -> None:
    prompts, _, _, hard = world(seed=1)
    scores = learned.scores(prompts)
    assert scores.shape == (900, 2)
    assert ((scores > 0) & (scores < 1)).all()
    gap = scores[:, 1] - scores[:, 0]
    assert gap[hard].mean() > 0.5
    assert abs(gap[~hard].mean()) < 0.15
    picked = np.array([learned.route(prompt, quality=0.85).model for prompt in prompts[:80]])
    assert (picked == np.where(hard[:80], "large", "small")).mean() > 0.95


def test_probabilities_are_frequencies(learned: Router) -> None:
    prompts, outcomes, _, _ = world(3000, seed=2)
    scores = learned.scores(prompts)
    for low in (0.0, 0.3, 0.7):
        inside = (scores >= low) & (scores < low + 0.3)
        if inside.sum() > 200:
            assert outcomes[inside].mean() == pytest.approx(scores[inside].mean(), abs=0.06)


def test_a_decision_says_what_and_why(learned: Router) -> None:
    decision = learned.route("onion butter oven pan flour", quality=0.9)
    assert isinstance(decision, Decision)
    assert decision.model == "small"
    assert decision.bound < decision.probability
    assert decision.cost == pytest.approx(8e-6, rel=0.3), "never less than the least that was seen"
    assert "cheapest" in decision.why
    assert learned.route("court statute tort", quality=0.0).model == "small"
    assert learned.route("court statute tort", quality=1.0).model == "large"


def test_more_quality_never_costs_less(learned: Router) -> None:
    prompts = world(60, seed=3)[0]
    spent = [
        sum(learned.route(prompt, quality=quality).cost or 0 for prompt in prompts)
        for quality in (0.0, 0.3, 0.6, 0.9, 1.0)
    ]
    assert spent == sorted(spent)


def test_half_of_the_outcomes_unknown_and_each_prompt_asked_of_one_model() -> None:
    """As own traffic is: what nobody observed neither teaches nor holds back."""
    prompts, outcomes, costs, _ = world()
    one = np.random.default_rng(4).integers(2, size=len(prompts))
    outcomes[np.arange(len(prompts)), one] = np.nan
    costs[np.arange(len(prompts)), one] = np.nan
    router = Router(NAMES, embed=False).fit(prompts, outcomes, costs)
    new, _, _, hard = world(400, seed=5)
    gap = np.diff(router.scores(new), axis=1)[:, 0]
    assert gap[hard].mean() > 0.4
    assert abs(gap[~hard].mean()) < 0.2


@pytest.mark.parametrize("m", [1, 2, 20])
def test_one_model_or_twenty_few_prompts_and_constant_columns(m: int) -> None:
    prompts = [f"question {i}" if i % 3 else "" for i in range(20)]
    outcomes = np.ones((20, m))
    outcomes[:, 0] = 0.0
    router = Router([f"m{i}" for i in range(m)], embed=False).fit(prompts, outcomes, np.zeros((20, m)))
    scores = router.scores(["", "question", "\x00" * 50, "é" * 40_000])
    assert scores.shape == (4, m)
    assert np.isfinite(scores).all()
    assert (scores[:, 0] < 0.35).all()
    assert router.route("question 5", quality=1.0).model == ("m0" if m == 1 else "m1")
    assert router.scores([]).shape == (0, m)


def test_two_prompts_are_enough_to_begin_with() -> None:
    router = Router(NAMES, embed=False).fit(["a", "b"], [[1, np.nan], [np.nan, 0]])
    assert np.isfinite(router.scores(["a", "c"])).all()
    assert router.route("a").cost is None


@pytest.mark.parametrize(
    ("outcomes", "costs", "told"),
    [
        (np.zeros((3, 3)), None, "shape"),
        (np.zeros((2, 2)), None, "shape"),
        (np.full((3, 2), np.nan), None, "no outcomes"),
        (np.full((3, 2), 2.0), None, "0..1"),
        (np.full((3, 2), np.inf), None, "finite"),
        (np.zeros((3, 2)), np.zeros((2, 2)), "costs"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_reason(outcomes: np.ndarray, costs: np.ndarray, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Router(NAMES, embed=False).fit(["a", "b", "c"], outcomes, costs)


def test_the_same_data_give_the_same_router() -> None:
    prompts, outcomes, costs, _ = world(300)
    scores = [Router(NAMES, embed=False).fit(prompts, outcomes, costs).scores(prompts[:20]) for _ in range(2)]
    assert np.array_equal(*scores)


def test_a_measured_table_alone_routes() -> None:
    models = [Model("small", input_price=0.1, output_price=0.1), Model("large", input_price=9.0, output_price=9.0)]
    table = cells({"small": {"": 0.9, "code.write": 0.1}, "large": 0.9})
    router = Router(models, table=table)
    assert router.route("What is the capital of Peru?").model == "small"
    coded = router.route("Write a Python function that merges two sorted lists.")
    assert coded.model == "large"
    assert coded.cost is not None
    scores = router.scores(["Write a Python function that reverses a string.", "Who invented the telephone?"])
    assert scores[0, 0] < 0.35 < scores[1, 0]


def test_outcomes_refine_a_table_and_few_do_not_overrule_it() -> None:
    prompts, outcomes, _, _ = world(600)
    # The table says the opposite of the truth about everything.
    wrong = cells({"small": 0.95, "large": 0.2})
    few = Router(NAMES, table=wrong, embed=False).fit(prompts[:3], outcomes[:3])
    many = Router(NAMES, table=wrong, embed=False).fit(prompts, outcomes)
    law = "court plaintiff statute tort"
    assert few.scores([law])[0, 0] > few.scores([law])[0, 1]
    assert many.scores([law])[0, 1] > many.scores([law])[0, 0] + 0.4


def test_a_registry_is_enough_for_a_router(home: object) -> None:
    path = measure({"small": 0.3, "large": 0.8})
    with Registry.open(path, readonly=True) as registry:
        router = Router.of(registry, NAMES)
        assert Router.of(registry).models == ("large", "small")
    assert router.route("What is 2 + 2?").model == "large"


def test_names_must_be_told_apart() -> None:
    for models in ([], ["a", "a"]):
        with pytest.raises(ValueError, match="name"):
            Router(models)


def test_meaning_is_read_once_where_the_embedder_is_there() -> None:
    pytest.importorskip("onnxruntime")
    from pyagent.embed.open import open_embedder
    from pyagent.errors import PyAgentError

    try:
        embedder = open_embedder()
    except PyAgentError as error:
        pytest.skip(str(error))
    prompts, outcomes, costs, _ = world(120)
    router = Router(NAMES, embed=embedder).fit(prompts, outcomes, costs)
    # Words that no prompt had, of the same two subjects.
    asked = router.scores(
        ["How long must a judge wait before sentencing?", "How long must bread bake until it is brown?"]
    )
    gap = asked[:, 1] - asked[:, 0]
    assert gap[0] > gap[1]

"""Test the intervals of a campaign's lift against other computations and against a known truth."""

import random
from statistics import NormalDist

import numpy
import pandas
import pytest

from crm_relations.campaigns.reporting import lift_rules as rules


def drawn(seed: int, members: int, rate: float, spread: float = 0.6, more: float = 0.0) -> list[float]:
	"""Return revenue of members: most have none, the others a log-normal amount."""
	chance = random.Random(seed)
	return [
		chance.lognormvariate(4, spread) + more if chance.random() < rate else 0.0
		for _number in range(members)
	]


def group(revenues: list[float]) -> rules.Group:
	bought = [amount for amount in revenues if amount]
	return rules.group(len(revenues), len(bought), bought)


def test_the_moments_are_those_of_all_members_not_of_the_buyers():
	revenues = pandas.Series(drawn(1, 500, 0.1))
	one = group(list(revenues))
	assert one.mean == pytest.approx(revenues.mean())
	assert one.variance == pytest.approx(revenues.var())
	assert one.third == pytest.approx(((revenues - revenues.mean()) ** 3).mean())


def test_the_interval_is_that_of_a_studentised_bootstrap_which_needs_no_formula():
	one, other = numpy.array(drawn(2, 4000, 0.12)), numpy.array(drawn(3, 1000, 0.1))
	found = rules.difference_of_means(group(one.tolist()), group(other.tolist()))
	generator = numpy.random.default_rng(4)

	def resampled(sample, times=3000):
		means, variances = numpy.empty(times), numpy.empty(times)
		for number in range(times):
			again = sample[generator.integers(0, len(sample), len(sample))]
			means[number], variances[number] = again.mean(), again.var(ddof=1) / len(sample)
		return means, variances

	(means, variances), (other_means, other_variances) = resampled(one), resampled(other)
	difference = one.mean() - other.mean()
	error = numpy.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other))
	statistic = (means - other_means - difference) / numpy.sqrt(variances + other_variances)
	lowest, highest = numpy.quantile(statistic, [0.025, 0.975])
	assert found.estimate == pytest.approx(difference)
	assert found.low == pytest.approx(difference - highest * error, abs=error * 0.1)
	assert found.high == pytest.approx(difference - lowest * error, abs=error * 0.1)


def test_without_skewness_it_is_welch_s_interval():
	one, other = (rules.Group(100, 100, 5000.0, 40.0, 0.0), rules.Group(50, 50, 2000.0, 90.0, 0.0))
	found = rules.difference_of_means(one, other)
	# computed by hand: error √(0.4 + 1.8), 71.5 degrees of freedom, t = 1.9937
	assert (found.low, found.high) == (
		pytest.approx(10 - 1.9937 * 2.2**0.5, abs=0.001),
		pytest.approx(10 + 1.9937 * 2.2**0.5, abs=0.001),
	)


@pytest.mark.parametrize(("freedom", "expected"), [(10, 2.2281), (20, 2.0860), (60, 2.0003), (1e9, 1.95996)])
def test_quantiles_of_t_are_those_of_the_tables(freedom, expected):
	assert rules.t_quantile(0.975, freedom) == pytest.approx(expected, abs=0.0005)


def test_the_transformation_is_undone_exactly():
	for skewness in (-0.8, -0.1, 0.2, 0.9):
		for value in (-1.96, 0.0, 1.96):
			t = rules.untransformed(value, skewness)
			back = t + skewness * t**2 / 3 + skewness**2 * t**3 / 27 + skewness / 6
			assert back == pytest.approx(value)


def test_a_known_effect_is_within_the_interval_about_95_times_of_100_and_missed_on_both_sides_alike():
	generator = numpy.random.default_rng(20261123)
	times, members, control, rate, spread, more = 1500, 3600, 900, 0.15, 0.6, 12.0
	truth = rate * more  # both groups buy equally often, and the addressed members buy for this much more
	below = above = 0
	for _time in range(times):
		groups = []
		for number, extra in ((members, more), (control, 0.0)):
			buyers = generator.binomial(number, rate)
			amounts = generator.lognormal(4, spread, buyers) + extra
			groups.append(rules.group(number, int(buyers), amounts.tolist()))
		found = rules.difference_of_means(*groups)
		below += truth < found.low
		above += truth > found.high
	covered = 1 - (below + above) / times
	assert 0.935 <= covered <= 0.965
	assert max(below, above) / times < 0.04


def test_the_difference_of_rates_is_the_example_of_its_author():
	"""Newcombe 1998, table II, (a): 56/70 and 48/80, method 10: 0.0524 to 0.3339."""
	one, other = (rules.Group(70, 56, 0, 0, 0), rules.Group(80, 48, 0, 0, 0))
	found = rules.difference_of_rates(one, other)
	assert (found.estimate, found.low, found.high) == (
		pytest.approx(0.2),
		pytest.approx(0.0524, abs=0.0001),
		pytest.approx(0.3339, abs=0.0001),
	)


def test_a_wilson_interval_holds_the_rates_that_a_score_test_does_not_reject():
	z = NormalDist().inv_cdf(0.975)
	for successes, number in ((0, 40), (3, 50), (25, 50), (50, 50)):
		for bound in rules.wilson(successes, number):
			if 1e-9 < bound < 1 - 1e-9:
				score = (successes / number - bound) / (bound * (1 - bound) / number) ** 0.5
				assert abs(score) == pytest.approx(z)


def test_small_groups_say_nothing():
	large = group(drawn(5, 1000, 0.2))
	assert rules.difference_of_rates(large, group(drawn(6, 29, 0.9))) is None
	assert rules.difference_of_means(large, group(drawn(6, 29, 0.9))) is None
	few = rules.Group(1000, 19, 1900.0, 180.0, 5000.0)
	assert rules.difference_of_means(large, few) is None
	assert rules.difference_of_rates(large, few) is not None


def test_who_all_pay_the_same_differ_by_exactly_that():
	one, other = rules.group(40, 40, [10.0] * 40), rules.group(40, 40, [7.0] * 40)
	found = rules.difference_of_means(one, other)
	assert (found.estimate, found.low, found.high) == (3, 3, 3)
	assert found.proves_a_change


def test_more_revenues_than_members_are_a_mistake():
	with pytest.raises(ValueError, match="3 revenues of 2 members"):
		rules.group(2, 2, [1.0, 2.0, 3.0])

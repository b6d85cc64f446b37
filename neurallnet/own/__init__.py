"""Training on a user's own folder of images, one subfolder per class: find, plan, train, evaluate, report."""

from neurallnet.own.finding import Choice, choose_source, known_set
from neurallnet.own.planning import Plan, make_plan
from neurallnet.own.steps import own_run

__all__ = ["Choice", "Plan", "choose_source", "known_set", "make_plan", "own_run"]

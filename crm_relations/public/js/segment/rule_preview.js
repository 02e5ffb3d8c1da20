// What a rule finds while it is being built: the number, the rule in words, some rows, and their distribution.
//
// An outdated question is aborted here. The server gets the number of each question and stops working on older ones.

import { number } from "../lib/format.js";
import { fill_html, html, show_html } from "../lib/html.js";
import { Breakdown } from "./breakdown.js";
import { relation_table } from "./relation_table.js";
import { ask } from "./requests.js";

const SAMPLE = 10;

export class RulePreview {
	/** @param {function} narrow gets the condition of a bar that was clicked */
	constructor(parent, narrow) {
		Object.assign(this, { narrow, asked: 0, builder: frappe.utils.get_random(10) });
		this.status = $(`<div class="rs-status" role="status" aria-live="polite"></div>`).appendTo(
			parent,
		);
		this.words = $(`<p class="rs-words"></p>`).appendTo(parent);
		this.sample = $("<div class='rs-sample'></div>").appendTo(parent);
		this.breakdown = new Breakdown($("<div></div>").appendTo(parent), narrow);
		this.ask_later = frappe.utils.debounce((rule, mark) => this.ask(rule, mark), 250);
	}

	show(rule, mark) {
		this.asked += 1;
		this.request?.abort();
		this.breakdown.abort();
		this.status.addClass("rs-waiting").attr("aria-busy", "true");
		this.ask_later(rule, mark);
	}

	async ask(rule, mark) {
		const asked = this.asked;
		this.request = new AbortController();
		let answer;
		try {
			answer = await ask(
				"preview",
				{ rule: JSON.stringify(rule), limit: SAMPLE, builder: this.builder, number: asked },
				this.request.signal,
			);
		} catch (error) {
			if (error.name === "AbortError") return;
			answer = {
				error:
					error.message || __("The preview failed. Change the rule, or reload the form."),
			};
		}
		if (asked !== this.asked || answer.outdated) return;
		this.status.removeClass("rs-waiting").removeAttr("aria-busy");
		this.problem = null;
		if (answer.error) this.show_problem(answer, mark);
		else this.show_found(answer, rule, mark);
	}

	/** Show what is wrong; the last result stays visible while a condition is unfinished. */
	show_problem({ error, path }, mark) {
		const problem =
			path && error.startsWith(`${path}: `) ? error.slice(path.length + 2) : error;
		if (path) this.problem = problem;
		mark(path, problem);
		this.status.find(".rs-problem").remove();
		const found = this.status.find(".rs-count").length;
		this.status.prepend(
			$(`<div class="rs-problem"></div>`).text(
				path ? __("Not counted yet. {0}", [problem]) : problem,
			),
		);
		this.status.add(this.words).add(this.sample).toggleClass("rs-old", Boolean(found));
		this.breakdown.clear();
	}

	show_found({ count, sample, words }, rule, mark) {
		mark(null);
		this.status.add(this.words).add(this.sample).removeClass("rs-old");
		const figure = html`<strong class="rs-count">${number(count)}</strong>`;
		const text = count === 1 ? __("{0} relation matches") : __("{0} relations match");
		show_html(this.status, fill_html(text, [figure]));
		this.words.text(words);
		this.sample.empty();
		if (sample.length) this.sample.append(relation_table(sample));
		if (count > sample.length) {
			this.sample.append(
				$("<p class='text-muted small'>").text(
					__("The first {0} are shown.", [sample.length]),
				),
			);
		}
		this.breakdown.show(rule, count);
	}
}

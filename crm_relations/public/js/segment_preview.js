// What a rule finds while it is built: how many, what it means in words, some rows, and how they are spread.
//
// A question that is out of date is taken back: its request is aborted here, and the server, which gets the number
// of each question, stops what it still works on.
(() => {
	const segments = frappe.provide("crm_relations.segments");
	const API = "crm_relations.segments.api.";
	const SAMPLE = 10;
	const escape = (text) => frappe.utils.escape_html(String(text ?? ""));

	/** A call that can be aborted. Rejects with the server's own words. */
	async function ask(method, args, signal) {
		const response = await fetch(`/api/method/${API}${method}`, {
			method: "POST",
			signal,
			headers: {
				Accept: "application/json",
				"X-Frappe-CSRF-Token": frappe.csrf_token,
				"Content-Type": "application/json",
			},
			body: JSON.stringify(args),
		});
		const answer = await response.json().catch(() => ({}));
		if (response.ok) return answer.message;
		let said = "";
		try {
			said = JSON.parse(JSON.parse(answer._server_messages)[0]).message;
		} catch {
			// an error without words of its own
		}
		throw new Error(strip_html(said));
	}

	/** Table of relations; `action` adds a button to each row. */
	function relation_table(rows, action) {
		const columns = [
			["relation_name", __("Name")],
			["relation_kind", __("Kind")],
			["stage", __("Stage")],
			["industry", __("Industry")],
			["city", __("City")],
			["responsible", __("Responsible User")],
		];
		const table = $(
			`<table class="table table-bordered rs-table"><thead><tr></tr></thead><tbody></tbody></table>`,
		);
		columns.forEach(([key, label]) =>
			table.find("tr").append($("<th scope='col'>").addClass(`rs-col-${key}`).text(label)),
		);
		if (action) table.find("tr").append("<th></th>");
		for (const row of rows) {
			const line = $("<tr>").appendTo(table.find("tbody"));
			for (const [key] of columns) {
				const text = ["relation_kind", "stage", "industry"].includes(key)
					? __(row[key] || "")
					: row[key];
				const cell = $("<td>").addClass(`rs-col-${key}`).appendTo(line);
				if (key === "relation_name") {
					$("<a>")
						.attr("href", frappe.utils.get_form_link("Relation", row.name))
						.text(text)
						.appendTo(cell);
				} else {
					cell.text(text || "");
				}
			}
			if (action) $("<td class='rs-actions'>").append(action(row)).appendTo(line);
		}
		return $(`<div class="rs-scroll"></div>`).append(table);
	}

	class RulePreview {
		/** @param {function} narrow gets the condition of a bar that was clicked */
		constructor(parent, narrow) {
			Object.assign(this, { narrow, asked: 0, builder: frappe.utils.get_random(10) });
			this.status = $(
				`<div class="rs-status" role="status" aria-live="polite"></div>`,
			).appendTo(parent);
			this.words = $(`<p class="rs-words"></p>`).appendTo(parent);
			this.sample = $("<div class='rs-sample'></div>").appendTo(parent);
			this.breakdown = new segments.Breakdown($("<div></div>").appendTo(parent), narrow);
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
			const number = this.asked;
			this.request = new AbortController();
			let answer;
			try {
				answer = await ask(
					"preview",
					{ rule: JSON.stringify(rule), limit: SAMPLE, builder: this.builder, number },
					this.request.signal,
				);
			} catch (error) {
				if (error.name === "AbortError") return;
				answer = {
					error:
						error.message ||
						__(
							"The preview could not be made. Change the rule, or load the form anew.",
						),
				};
			}
			if (number !== this.asked || answer.outdated) return;
			this.status.removeClass("rs-waiting").removeAttr("aria-busy");
			this.problem = null;
			if (answer.error) this.show_problem(answer, mark);
			else this.show_found(answer, rule, mark);
		}

		/** While a condition is not finished, what was found last stays in sight. */
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
			const figure = `<strong class="rs-count">${format_number(count, null, 0)}</strong>`;
			this.status.html(
				count === 1 ? __("{0} relation fits", [figure]) : __("{0} relations fit", [figure]),
			);
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

	Object.assign(segments, { API, ask, escape, relation_table, RulePreview });
})();

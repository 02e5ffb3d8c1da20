// The distribution of the relations that a rule finds over industry, role, territory and age group. A bar, or the name
// below it, adds its condition to the rule.

import { number } from "../lib/format.js";
import { ask } from "./requests.js";

export class Breakdown {
	constructor(parent, narrow) {
		this.narrow = narrow;
		this.open = localStorage.getItem("crm_relations.segment_breakdown") === "1";
		this.toggle = $(
			`<button type="button" class="btn btn-default btn-xs rs-spread-toggle"></button>`,
		)
			.appendTo(parent)
			.on("click", () => {
				this.open = !this.open;
				localStorage.setItem("crm_relations.segment_breakdown", this.open ? "1" : "0");
				this.draw();
			});
		this.charts = $(`<div class="rs-charts"></div>`).appendTo(parent);
		this.clear();
	}

	abort() {
		this.request?.abort();
	}

	clear() {
		this.rule = null;
		this.draw();
	}

	show(rule, count) {
		this.rule = count ? rule : null;
		this.draw();
	}

	async draw() {
		this.abort();
		this.toggle
			.toggle(Boolean(this.rule))
			.attr("aria-expanded", String(this.open))
			.text(this.open ? __("Hide Distribution") : __("Distribution"));
		if (!this.rule || !this.open) {
			this.charts.empty();
			return;
		}
		const request = (this.request = new AbortController());
		this.charts.addClass("rs-waiting");
		try {
			const args = { rule: JSON.stringify(this.rule) };
			const found = await ask("breakdown", args, request.signal);
			this.charts.empty().removeClass("rs-waiting");
			found.forEach((one) => this.chart(one));
		} catch (error) {
			if (error.name === "AbortError") return;
			this.charts.removeClass("rs-waiting").text(error.message || __("No answer."));
		}
	}

	chart({ field, label, rows, others }) {
		const box = $(`<div class="rs-chart"></div>`)
			.attr("data-field", field)
			.appendTo(this.charts);
		$("<h6></h6>").text(label).appendTo(box);
		if (!rows.length) {
			box.append($("<p class='text-muted small'></p>").text(__("No information available.")));
			return;
		}
		const figure = $(`<div class="rs-bars" aria-hidden="true"></div>`).appendTo(box);
		const name = (row) => row.label || __("not known");
		new frappe.Chart(figure[0], {
			type: "bar",
			height: 150,
			colors: ["blue"],
			animate: 0,
			data: {
				labels: rows.map(name),
				datasets: [{ name: label, values: rows.map((row) => row.count) }],
			},
			axisOptions: { xAxisMode: "tick", xIsSeries: 0, shortenYAxisNumbers: 1 },
			barOptions: { spaceRatio: 0.4 },
		});
		const add = (row) =>
			this.narrow(
				row.value
					? { field, operator: "=", value: row.value }
					: { field, operator: "is empty" },
			);
		figure.on("click", "[data-point-index]", (event) => {
			const row = rows[Number(event.currentTarget.dataset.pointIndex)];
			if (row) add(row);
		});
		const names = $(`<div class="rs-bar-names"></div>`).appendTo(box);
		for (const row of rows) {
			$(`<button type="button" class="btn btn-xs btn-default"></button>`)
				.attr("title", __("Only these: adds the condition to the rule"))
				.append($("<span>").text(name(row)), $("<b>").text(number(row.count)))
				.appendTo(names)
				.on("click", () => add(row));
		}
		if (others) {
			names.append(
				$("<span class='text-muted small'></span>").text(
					__("and {0} with other values", [number(others)]),
				),
			);
		}
	}
}

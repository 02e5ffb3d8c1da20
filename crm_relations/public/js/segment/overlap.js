// The members that segments have in common: a matrix of the chosen segments, with counts and percentages of the row.

import { number } from "../lib/format.js";
import { ask } from "./requests.js";
import { remove_button } from "./value_editor.js";

export class Overlap {
	/**
	 * @param {?string} own the segment of the form; it is always in the matrix
	 * @param {number} most how many segments the server compares
	 */
	constructor(parent, own, most) {
		Object.assign(this, { own, most, chosen: own ? [own] : [] });
		const choose = $(`<div class="rs-overlap-choose"></div>`).appendTo(parent);
		this.pills = $(`<span class="rs-pills"></span>`).appendTo(choose);
		this.control = frappe.ui.form.make_control({
			parent: $(`<div class="rs-control"></div>`).appendTo(choose),
			df: {
				fieldname: "segment",
				fieldtype: "Link",
				options: "Relation Segment",
				placeholder: __("Compare with the segment …"),
				only_select: 1,
				get_query: () => ({ filters: { name: ["not in", this.chosen] } }),
				change: () => this.add(this.control.get_value()),
			},
			only_input: true,
			render_input: true,
		});
		this.control.$input
			.addClass("input-sm rs-overlap-input")
			.attr("aria-label", __("Compare with the segment …"));
		this.answer = $(`<div class="rs-overlap-answer" aria-live="polite"></div>`).appendTo(
			parent,
		);
		this.show_pills();
	}

	add(segment) {
		if (!segment || this.chosen.includes(segment)) return;
		this.control.set_value("");
		if (this.chosen.length >= this.most) {
			frappe.show_alert(__("Compare at most {0} segments.", [cint(this.most)]));
			return;
		}
		this.chosen.push(segment);
		this.show_pills();
		this.load();
	}

	drop(segment) {
		this.chosen = this.chosen.filter((one) => one !== segment);
		this.show_pills();
		this.load();
	}

	show_pills() {
		this.pills.empty();
		for (const segment of this.chosen) {
			const pill = $(`<span class="rs-pill"></span>`).append($("<span>").text(segment));
			if (segment !== this.own) {
				pill.append(remove_button(__("Remove {0}", [segment]), () => this.drop(segment)));
			}
			this.pills.append(pill);
		}
	}

	async load() {
		this.request?.abort();
		if (this.chosen.length < 2) {
			this.answer.empty().removeClass("rs-waiting");
			return;
		}
		this.request = new AbortController();
		this.answer.addClass("rs-waiting");
		try {
			const args = { segments: this.chosen };
			this.draw(await ask("overlap", args, this.request.signal));
		} catch (error) {
			if (error.name === "AbortError") return;
			this.answer.text(error.message || __("No answer."));
		}
		this.answer.removeClass("rs-waiting");
	}

	draw({ segments: names, members, both }) {
		const table = $(`<table class="table table-bordered rs-matrix"></table>`);
		const head = $("<tr><td></td></tr>").appendTo($("<thead>").appendTo(table));
		names.forEach((name) => head.append($("<th scope='col'>").text(name)));
		const body = $("<tbody>").appendTo(table);
		names.forEach((name, i) => {
			const line = $("<tr>").append($("<th scope='row'>").text(name)).appendTo(body);
			names.forEach((other, k) => {
				const count = both[i][k];
				const percent = members[i] ? Math.round((100 * count) / members[i]) : 0;
				const cell = $("<td></td>").appendTo(line);
				cell.append($("<b>").text(number(count)));
				if (i === k) {
					cell.addClass("rs-same");
					return;
				}
				cell.append($("<span class='text-muted'></span>").text(` ${percent} %`));
				cell.css("--share", `${percent}%`).addClass("rs-share");
				cell.attr(
					"title",
					__("{0} of the {1} members of {2} are in {3} too.", [
						number(count),
						number(members[i]),
						name,
						other,
					]),
				);
			});
		});
		this.answer
			.empty()
			.append(
				$(`<div class="rs-scroll"></div>`).append(table),
				$("<p class='text-muted small'></p>").text(
					__(
						"Members as of the last refresh that are in both; percent of the segment at the left.",
					),
				),
			);
	}
}

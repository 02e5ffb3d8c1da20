// Choose a field or an event: type a part of its name, or use the arrow keys within the groups.

let last_id = 0;

const key = (text) =>
	String(text ?? "")
		.normalize("NFKD")
		.replace(/[\u0300-\u036f]/g, "")
		.replace(/ß/g, "ss")
		.toLowerCase();

/** Return the fields sorted by group; groups keep the order of their first field. */
export function by_group(fields) {
	const groups = new Map(fields.map((one) => [one.group, []]));
	fields.forEach((one) => groups.get(one.group).push(one));
	return [...groups.values()].flat();
}

/** Return the fields with all typed words in their label or group; fields that begin with the text come first. */
export function matching(fields, text) {
	const words = key(text).split(/\s+/).filter(Boolean);
	if (!words.length) return fields;
	const found = fields.filter((one) => {
		const name = key(`${one.label} ${one.group}`);
		return words.every((word) => name.includes(word));
	});
	const begins = (one) => key(one.label).startsWith(words[0]);
	return [...found.filter(begins), ...found.filter((one) => !begins(one))];
}

/** An input that lists the fields below it (combobox of WAI-ARIA); `chosen` gets the field. */
export class FieldChoice {
	constructor({ fields, value, chosen, label }) {
		Object.assign(this, { fields: by_group(fields), value, chosen });
		this.id = `rs-fields-${++last_id}`;
		this.$wrapper = $(`<div class="rs-field"></div>`);
		this.$input = $(
			`<input type="text" class="form-control input-sm" role="combobox" autocomplete="off"
				spellcheck="false" aria-expanded="false" aria-autocomplete="list">`,
		)
			.attr({
				"aria-label": label,
				"aria-controls": this.id,
				placeholder: __("Search a field or an event …"),
			})
			.appendTo(this.$wrapper);
		this.$list = $(`<div class="rs-options" role="listbox"></div>`)
			.attr({ id: this.id, "aria-label": label })
			.hide()
			.appendTo(this.$wrapper);
		this.show_value();
		this.$input
			.on("focus", () => this.$input.trigger("select"))
			.on("click", () => this.open())
			.on("input", () => this.open(this.$input.val()))
			.on("blur", () => this.close())
			.on("keydown", (event) => this.key_down(event));
	}

	show_value() {
		const field = this.fields.find((one) => one.key === this.value);
		this.$input.val(field ? field.label : this.value || "");
		this.$input.attr("title", field ? `${field.group}: ${field.label}` : "");
	}

	get is_open() {
		return this.$input.attr("aria-expanded") === "true";
	}

	open(text = "") {
		this.found = matching(this.fields, text);
		this.$list.empty().show();
		this.$input.attr("aria-expanded", "true");
		const searched = Boolean(text.trim());
		let group = null;
		this.found.forEach((field, i) => {
			if (!searched && field.group !== group) {
				group = field.group;
				$(`<div class="rs-option-group" role="presentation"></div>`)
					.text(group)
					.appendTo(this.$list);
			}
			const option = $(`<div class="rs-option" role="option" aria-selected="false"></div>`)
				.attr({ id: `${this.id}-${i}`, "data-key": field.key })
				.text(field.label)
				.appendTo(this.$list)
				// before the input loses the focus
				.on("mousedown", (event) => {
					event.preventDefault();
					this.take(field);
				});
			if (searched) {
				$(`<span class="rs-option-hint"></span>`).text(field.group).appendTo(option);
			}
			if (field.type === "event") option.addClass("rs-option-event");
		});
		if (!this.found.length) {
			this.$list.append($(`<div class="rs-option-group"></div>`).text(__("No matches.")));
		}
		const current = this.found.findIndex((one) => one.key === this.value);
		this.mark(searched || current < 0 ? 0 : current);
	}

	close() {
		if (!this.is_open) return;
		this.$list.hide().empty();
		this.$input.attr("aria-expanded", "false").removeAttr("aria-activedescendant");
		this.show_value();
	}

	mark(index) {
		this.marked = Math.max(0, Math.min(index, this.found.length - 1));
		this.$list.find("[role=option]").attr("aria-selected", "false");
		const option = this.$list.find("[role=option]").eq(this.marked);
		if (!option.length) return;
		option.attr("aria-selected", "true")[0].scrollIntoView({ block: "nearest" });
		this.$input.attr("aria-activedescendant", option.attr("id"));
	}

	take(field) {
		if (!field) return;
		const changed = field.key !== this.value;
		this.value = field.key;
		this.close();
		if (changed) this.chosen(field);
	}

	key_down(event) {
		if (event.altKey) return;
		const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 };
		if (steps[event.key]) {
			event.preventDefault();
			if (!this.is_open) this.open();
			else this.mark(this.marked + steps[event.key]);
		} else if (event.key === "Enter") {
			event.preventDefault();
			if (this.is_open) this.take(this.found[this.marked]);
			else this.open();
		} else if (event.key === "Escape" && this.is_open) {
			event.preventDefault();
			event.stopPropagation();
			this.close();
		} else if (event.key === "Tab" && this.is_open && this.$input.val().trim()) {
			const typed = this.$input.val() !== this.label_of(this.value);
			if (typed && this.found.length) this.take(this.found[this.marked]);
		}
	}

	label_of(value) {
		return this.fields.find((one) => one.key === value)?.label;
	}
}

// A list narrowed to the members of a segment.
//
// The segment travels as a filter that holds for every row; the server reads it where it checks the rights of the user
// (segments/lists/narrowing.py). The filter must be in place before the first request of the list, so it is part of the
// bundle that the desk loads at the start.

const PARAMETER = "relation_segment";
let wanted = null;

/** Open a list with the members of a segment; the list may be open already. */
export async function show_segment(doctype, segment) {
	wanted = { doctype, segment };
	await frappe.set_route("List", doctype, "List");
	for (let i = 0; i < 100 && wanted; i++) {
		if (cur_list?.doctype === doctype && cur_list.segment_filter) {
			wanted = null;
			cur_list.segment_filter.set(segment);
		}
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
}

export class SegmentFilter {
	constructor(list) {
		this.list = list;
		this.segment = new URLSearchParams(window.location.search).get(PARAMETER) || "";
		if (wanted?.doctype === list.doctype) {
			this.segment = wanted.segment;
			wanted = null;
		}
		this.send_along();
		this.show();
	}

	/** Add the segment to the filters of the request and to the address in the browser. */
	send_along() {
		const { list } = this;
		const filters = list.get_filters_for_args.bind(list);
		const params = list.get_search_params?.bind(list);
		let for_address = false;
		list.get_filters_for_args = () => {
			if (!this.segment || for_address) return filters();
			return [...filters(), [list.doctype, "name", "!=", `segment:${this.segment}`]];
		};
		if (!params) return;
		list.get_search_params = () => {
			for_address = true;
			const found = params();
			for_address = false;
			if (this.segment) found.append(PARAMETER, this.segment);
			return found;
		};
	}

	show() {
		const place = this.list.page.page_form.find(".standard-filter-section");
		if (!place.length) return;
		const box = $(`<div class="form-group frappe-control input-max-width col-md-2"></div>`);
		this.control = frappe.ui.form.make_control({
			parent: box.appendTo(place),
			df: {
				fieldname: PARAMETER,
				fieldtype: "Link",
				options: "Relation Segment",
				placeholder: __("Segment"),
				only_select: 1,
				change: () => this.writing || this.set(this.control.get_value() || ""),
			},
			only_input: true,
			render_input: true,
		});
		this.control.$input
			.addClass("input-xs")
			.attr({ "aria-label": __("Segment"), title: __("Only members of this segment") });
		if (this.segment) this.write(this.segment);
	}

	/** Show a segment in the control. Values are written one after the other, because each is looked up first. */
	write(segment) {
		this.writing = (this.writing || 0) + 1;
		this.written = Promise.resolve(this.written)
			.then(() => this.control.set_value(segment))
			.finally(() => (this.writing -= 1));
	}

	set(segment) {
		if (segment === this.segment) return;
		this.segment = segment;
		if (this.control && (this.writing || this.control.get_value() !== segment)) {
			this.write(segment);
		}
		this.list.start = 0;
		this.list.refresh();
	}
}

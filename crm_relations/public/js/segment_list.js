// Segments in lists: a list narrowed to the members of a segment, and a segment made of the rows of a list.
//
// Loaded with each of these lists, after the list's own script, whose settings stay. The segment travels as a filter
// that holds for every row; the server reads it where it asks for the user's rights (segments/lists/narrowing.py).
(() => {
	const segments = frappe.provide("crm_relations.segments");
	const API = "crm_relations.segments.lists.api.";
	const PARAMETER = "relation_segment";
	const PARTIES = ["Customer", "Contact", "Lead", "Prospect", "Supplier", "Employee"];
	const SALES = ["Sales Invoice", "Sales Order", "Delivery Note"];
	const NARROWED = ["Relation", ...PARTIES, ...SALES];

	/** Opens a list with the members of a segment, also where the list is open already. */
	segments.show_list = async (doctype, segment) => {
		segments.wanted = { doctype, segment };
		await frappe.set_route("List", doctype, "List");
		for (let i = 0; i < 100 && segments.wanted; i++) {
			if (cur_list?.doctype === doctype && cur_list.segment_filter) {
				segments.wanted = null;
				cur_list.segment_filter.set(segment);
			}
			await new Promise((resolve) => setTimeout(resolve, 100));
		}
	};

	class SegmentFilter {
		constructor(list) {
			this.list = list;
			this.segment = new URLSearchParams(window.location.search).get(PARAMETER) || "";
			if (segments.wanted?.doctype === list.doctype) {
				this.segment = segments.wanted.segment;
				segments.wanted = null;
			}
			this.send_along();
			this.show();
		}

		/** The list's own way to say what it asks for, with the segment; the address in the browser has it too. */
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

		/** Shows a segment in the control, one after the other: each is looked up before it is there. */
		write(segment) {
			this.writing = (this.writing || 0) + 1;
			this.written = Promise.resolve(this.written)
				.then(() => this.control.set_value(segment))
				.finally(() => (this.writing -= 1));
		}

		set(segment) {
			if (segment === this.segment) return;
			this.segment = segment;
			if (this.control && (this.writing || this.control.get_value() !== segment))
				this.write(segment);
			this.list.start = 0;
			this.list.refresh();
		}
	}

	/** Asks for a name, or for a manual segment that is there, and shows first how many it will be. */
	async function make_segment(list) {
		const names = list.get_checked_items(true);
		const rows = {
			doctype: list.doctype,
			names: names.length ? names : null,
			filters: names.length ? null : list.get_filters_for_args(),
		};
		const { doctype } = list;
		const count = await frappe.xcall(`${API}count_relations`, rows);
		const found = __("{0} rows of the list {1}; behind them stand {2} relations.", [
			format_number(count.rows, null, 0),
			__(doctype),
			format_number(count.relations, null, 0),
		]);
		const bought =
			doctype === "Item" ? ` ${__("These are the customers who bought the items.")}` : "";
		const dialog = new frappe.ui.Dialog({
			title: __("Make a segment of these"),
			fields: [
				{
					fieldname: "found",
					fieldtype: "HTML",
					options: `<p class="rs-found">${frappe.utils.escape_html(found + bought)}</p>`,
				},
				{
					fieldname: "into",
					fieldtype: "Select",
					label: __("Put them into"),
					options: [
						{ value: "new", label: __("A new segment") },
						{ value: "old", label: __("A manual segment that is there") },
					],
					default: "new",
					reqd: 1,
				},
				{
					fieldname: "segment_name",
					fieldtype: "Data",
					label: __("Segment Name"),
					depends_on: "eval:doc.into=='new'",
					mandatory_depends_on: "eval:doc.into=='new'",
				},
				{
					fieldname: "segment",
					fieldtype: "Link",
					options: "Relation Segment",
					label: __("Segment"),
					only_select: 1,
					get_query: () => ({ filters: { kind: "Manual" } }),
					depends_on: "eval:doc.into=='old'",
					mandatory_depends_on: "eval:doc.into=='old'",
				},
			],
			primary_action_label: __("Make Segment"),
			primary_action: async ({ into, segment_name, segment }) => {
				const answer =
					into === "new"
						? await frappe.xcall(`${API}make_segment`, { segment_name, ...rows })
						: await frappe.xcall(`${API}add_to_segment`, { segment, ...rows });
				dialog.hide();
				frappe.show_alert({
					message: __("{0} relations entered the segment", [
						format_number(answer.entered, null, 0),
					]),
					indicator: "green",
				});
				frappe.set_route("Form", "Relation Segment", answer.segment);
			},
		});
		dialog.show();
		if (!count.relations) dialog.disable_primary_action();
	}

	function prepare(doctype) {
		const settings = (frappe.listview_settings[doctype] ||= {});
		if (settings.knows_segments) return;
		settings.knows_segments = true;
		const onload = settings.onload;
		settings.onload = function (list) {
			onload?.call(this, list);
			if (!frappe.model.can_read("Relation Segment") || list.segment_filter) return;
			if (NARROWED.includes(doctype)) list.segment_filter = new SegmentFilter(list);
			if (!frappe.model.can_create("Relation Segment")) return;
			const label = __("Make a segment of these");
			list.page.add_actions_menu_item(label, () => make_segment(list), false);
			list.page.add_menu_item(label, () => make_segment(list));
		};
	}

	[...NARROWED, "Item"].forEach(prepare);
})();

// The members of a manual segment: show, add, remove.

import { relation_table } from "./relation_table.js";
import { segments_api } from "./requests.js";
import { remove_button } from "./value_editor.js";

export class ManualMembers {
	constructor(frm, parent) {
		Object.assign(this, { frm, parent });
		if (frm.is_new()) {
			parent.append(
				$(`<p class="text-muted"></p>`).text(
					__("Save the segment, then add its members here."),
				),
			);
			return;
		}
		this.writes = frm.perm[0] && frm.perm[0].write;
		this.load();
	}

	async load() {
		const args = { segment: this.frm.doc.name, limit: 100 };
		const rows = await segments_api.get("members", args);
		this.parent.empty();
		if (this.writes) {
			$(`<button type="button" class="btn btn-default btn-sm rs-add-members"></button>`)
				.text(__("Add members"))
				.appendTo(this.parent)
				.on("click", () => this.choose());
		}
		const say = (text) =>
			$(`<p class="text-muted rs-words"></p>`).text(text).appendTo(this.parent);
		if (!rows.length) {
			say(__("This segment has no members yet."));
			say(
				__(
					"You can also add members from the lists of customers, invoices, items, contacts and relations: check rows there and choose the action “Create Segment from These”.",
				),
			);
			return;
		}
		const remove = (row) =>
			remove_button(__("Remove {0} from the segment", [row.relation_name]), () =>
				this.change("remove_members", [row.name]),
			);
		this.parent.append(relation_table(rows, this.writes && remove));
		if (rows.length < this.frm.doc.member_count) {
			say(__("The newest {0} are shown; the button above lists all.", [rows.length]));
		}
	}

	choose() {
		const dialog = new frappe.ui.form.MultiSelectDialog({
			doctype: "Relation",
			target: this.frm,
			setters: { relation_kind: null, stage: null, city: null },
			add_filters_group: 1,
			action: (names) => {
				dialog.dialog.hide();
				if (names.length) this.change("add_members", names);
			},
		});
	}

	async change(method, relations) {
		await segments_api.post(method, { segment: this.frm.doc.name, relations });
		await this.frm.reload_doc();
	}
}

// Questions before what cannot be undone: the title says what is asked, and the button says what it does.

/**
 * Ask, and resolve to whether the user agrees. Enter presses the button of an ordinary question, not of a dangerous one.
 * @param {Object} question title; content_html; label of the button; is_final: what it does cannot be undone
 */
export const agreed = ({ title, content_html, label, is_final = false }) =>
	new Promise((resolve) => {
		let is_agreed = false;
		const dialog = new frappe.ui.Dialog({
			title,
			primary_action_label: label,
			primary_action: () => {
				is_agreed = true;
				dialog.hide();
			},
			secondary_action_label: __("Cancel"),
			secondary_action: () => dialog.hide(),
		});
		dialog.$body.append(`<div class="frappe-confirm-message">${content_html}</div>`);
		if (is_final) dialog.get_primary_btn().removeClass("btn-primary").addClass("btn-danger");
		dialog.confirm_dialog = !is_final; // Frappe's mark for Enter
		dialog.onhide = () => resolve(is_agreed);
		dialog.show();
	});

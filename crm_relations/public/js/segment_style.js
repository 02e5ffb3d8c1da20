// How the builder of segments looks; put into the page once.
(() => {
	const segments = frappe.provide("crm_relations.segments");

	segments.add_style = () => {
		if (document.getElementById("relation-segment-style")) return;
		const style = document.createElement("style");
		style.id = "relation-segment-style";
		style.textContent = STYLE;
		document.head.append(style);
	};

	const STYLE = `
		.rs-group { border: 1px solid var(--border-color); border-left: 3px solid var(--gray-500);
			border-radius: var(--border-radius); padding: 10px 12px; margin-bottom: 8px; background: var(--fg-color); }
		.rs-group.rs-all { border-left-color: var(--blue-400); }
		.rs-group.rs-any { border-left-color: var(--green-400); }
		.rs-group.rs-none { border-left-color: var(--red-400); }
		.rs-head, .rs-foot, .rs-row, .rs-comparison, .rs-value { display: flex; align-items: center; gap: 8px; flex-wrap: wrap; }
		.rs-head { margin-bottom: 8px; } .rs-foot { margin-top: 4px; }
		.rs-children { min-height: 8px; }
		.rs-group .form-control { border: 1px solid var(--border-color); background-color: var(--control-bg); }
		.rs-group .form-control:focus { border-color: var(--blue-400); }
		.rs-group select.form-control { appearance: auto; }
		.rs-head .rs-kind { width: auto; font-weight: 500; }
		.rs-condition { padding: 3px 4px; margin: 0 -4px; border-radius: var(--border-radius); }
		.rs-row { align-items: flex-start; flex-wrap: nowrap; }
		.rs-field { position: relative; width: 240px; flex: none; }
		.rs-group .rs-operator, .rs-group .rs-measure { width: auto; min-width: 150px; max-width: 300px; }
		.rs-comparison { flex: 1; align-items: flex-start; min-width: 0; } .rs-amount { flex: none; }
		.rs-value { flex: 1; min-width: 180px; } .rs-amount .rs-value { flex: none; min-width: 0; }
		.rs-value > input, .rs-value > select { width: auto; min-width: 130px; }
		.rs-value .rs-number { width: 120px; min-width: 90px; }
		.rs-control { min-width: 180px; } .rs-control .form-group, .rs-control .frappe-control { margin: 0; }
		.rs-unit { color: var(--text-muted); line-height: 28px; }
		.rs-options { position: absolute; z-index: 1010; top: 100%; left: 0; width: 360px; max-width: 85vw;
			max-height: 340px; overflow-y: auto; background: var(--fg-color); border: 1px solid var(--border-color);
			border-radius: var(--border-radius); box-shadow: var(--shadow-lg, 0 6px 20px rgba(0, 0, 0, 0.15)); padding: 4px; }
		.rs-option { padding: 5px 10px; border-radius: var(--border-radius-sm, 4px); cursor: pointer; display: flex;
			justify-content: space-between; gap: 12px; }
		.rs-option[aria-selected="true"], .rs-option:hover { background: var(--control-bg); }
		.rs-option-event::before { content: "⚡"; margin-right: -6px; opacity: 0.6; } .rs-option-event { justify-content: flex-start; }
		.rs-option-event .rs-option-hint { margin-left: auto; }
		.rs-option-hint { color: var(--text-muted); font-size: var(--text-sm); white-space: nowrap; }
		.rs-option-group { padding: 8px 10px 3px; font-size: var(--text-sm); font-weight: 600; color: var(--text-muted); }
		.rs-pills { display: flex; flex-wrap: wrap; gap: 4px; }
		.rs-pill { display: inline-flex; align-items: center; padding: 1px 4px 1px 10px; min-height: 26px; border-radius: 13px;
			background: var(--control-bg); font-size: var(--text-sm); }
		.rs-remove, .rs-menu > .btn, .rs-handle { box-shadow: none; background: none; opacity: 0.65; }
		.rs-remove:hover, .rs-remove:focus, .rs-menu > .btn:hover, .rs-menu > .btn:focus, .rs-handle:hover, .rs-handle:focus { opacity: 1; }
		.rs-handle { cursor: grab; padding: 2px 4px; touch-action: none; } .rs-handle:focus, .rs-menu > .btn:focus, .rs-remove:focus,
		.rs-foot .btn:focus, .rs-bar-names .btn:focus { outline: 2px solid var(--blue-400); }
		.rs-menu .dropdown-item { display: flex; justify-content: space-between; gap: 20px; width: 100%; border: 0; background: none; }
		.rs-menu .dropdown-item:focus, .rs-menu .dropdown-item:hover { background: var(--control-bg); }
		.rs-key { background: none; color: var(--text-muted); box-shadow: none; padding: 0; }
		.rs-head > .rs-menu { margin-left: auto; } .rs-row > .rs-menu { margin-left: auto; }
		.rs-where { margin: 6px 0 4px 30px; padding: 6px 10px; border-left: 2px dotted var(--gray-500); }
		.rs-where-head { font-size: var(--text-sm); margin-bottom: 4px; }
		.rs-where .rs-field { width: 200px; }
		.rs-ghost { opacity: 0.4; } .sortable-fallback { background: var(--fg-color); box-shadow: var(--shadow-lg); }
		.rs-fault { outline: 2px solid var(--orange-400, orange); outline-offset: 2px; }
		.rs-fault-text { color: var(--orange-600, var(--text-color)); font-size: var(--text-sm); padding: 4px 4px 0 34px; }
		.rs-status { min-height: 30px; } .rs-old > :not(.rs-problem), .rs-old.rs-words, .rs-old.rs-sample { opacity: 0.45; } .rs-waiting { opacity: 0.5; }
		.rs-count { font-size: var(--text-2xl, 20px); } .rs-problem { color: var(--orange-600, var(--text-muted)); }
		.rs-words { color: var(--text-muted); margin: 4px 0 10px; } .rs-everyone { margin: 2px 0 6px; } .rs-hint { margin: 2px 0 0; }
		.rs-scroll { overflow-x: auto; }
		.rs-table { background: var(--fg-color); } .rs-table td, .rs-table th { padding: 6px 10px !important; }
		.rs-actions { width: 40px; text-align: center; } .rs-add-members { margin-bottom: 10px; }
		.rs-charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 380px), 1fr)); gap: 16px; margin-top: 10px; }
		.rs-chart { border: 1px solid var(--border-color); border-radius: var(--border-radius); padding: 10px; min-width: 0; }
		.rs-chart h6 { margin: 0; } .rs-bars { cursor: pointer; overflow: hidden; }
		.rs-bar-names { display: flex; flex-wrap: wrap; gap: 4px; align-items: center; } .rs-bar-names b { margin-left: 6px; }
		.rs-heading { margin: 24px 0 8px; }
		.rs-overlap-choose { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin-bottom: 10px; }
		.rs-matrix { width: auto; background: var(--fg-color); } .rs-matrix td { text-align: right; white-space: nowrap; }
		.rs-matrix td, .rs-matrix th { padding: 6px 12px !important; } .rs-matrix .rs-same { background: var(--control-bg); }
		.rs-share { background: linear-gradient(to right, var(--blue-100, #d3e9fc) var(--share), transparent var(--share)); }
		@media (max-width: 1100px) { .rs-comparison { flex-basis: 0; } }
		@media (max-width: 768px) {
			.rs-head { flex-wrap: nowrap; } .rs-head .rs-kind { flex: 1; min-width: 0; }
			.rs-where .rs-where-head, .rs-where { padding-left: 4px; } .rs-where .rs-field { min-width: 90px; }
			.rs-row { flex-wrap: wrap; } .rs-row .rs-field { width: auto; flex: 1; min-width: 90px; order: 1; }
			.rs-handle { order: 0; } .rs-row > .rs-menu { order: 2; } .rs-row > .rs-remove { order: 3; } .rs-comparison { order: 4; flex-basis: 100%; }
			.rs-group .rs-operator, .rs-group .rs-measure, .rs-value, .rs-amount { width: 100%; max-width: none; }
			.rs-where { margin-left: 6px; } .rs-group { padding: 8px; } .rs-col-responsible, .rs-col-industry, .rs-col-city { display: none; }
		}
	`;
})();

// Appended to the script of each list that this app extends: public/js/crm_relations_desk.bundle.js.
window.crm_relations?.lists?.extend();

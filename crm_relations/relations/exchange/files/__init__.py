"""Reading of files: code pages, headings, cells, spreadsheets and vCards."""

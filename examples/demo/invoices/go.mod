module example.org/demo-invoices

go 1.19

module example.org/inverted-index

go 1.19

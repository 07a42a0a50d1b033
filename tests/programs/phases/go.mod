module example.org/phases

go 1.19

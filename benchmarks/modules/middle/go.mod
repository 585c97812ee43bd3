module middle

go 1.25

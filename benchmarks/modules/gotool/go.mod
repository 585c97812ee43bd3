module gotool

go 1.25

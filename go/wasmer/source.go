package wasmer

import "fmt"

// SourceLocation is a place in the source of a guest.
type SourceLocation struct {
	// Function is the name of the function there, in the words of its language.
	Function string

	// File is the path of the file as the guest's compiler was given it.
	File string

	// Line and Column are counted from 1; 0 if they are not known.
	Line, Column int
}

// String returns file, line and column, such as "src/main.c:12:3".
func (location SourceLocation) String() string {
	text := location.File
	if text == "" {
		text = "?"
	}
	if location.Line > 0 {
		text += fmt.Sprintf(":%d", location.Line)
		if location.Column > 0 {
			text += fmt.Sprintf(":%d", location.Column)
		}
	}
	return text
}

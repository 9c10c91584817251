package odata

import (
	"strings"
)

// A tokenKind is what a token is.
type tokenKind int

const (
	end tokenKind = iota
	word
	literal
	punctuation // ( ) , /
)

type token struct {
	kind tokenKind
	text string
	lit  Literal
	at   int
}

// A lexer cuts a filter into tokens.
type lexer struct {
	option string
	at     int
}

func (l *lexer) fail() error { return &SyntaxError{Option: l.option, At: l.at} }

func (l *lexer) next() (token, error) {
	for l.at < len(l.option) && (l.option[l.at] == ' ' || l.option[l.at] == '\t') {
		l.at++
	}
	start := l.at
	if start == len(l.option) {
		return token{kind: end, at: start}, nil
	}
	switch c := l.option[start]; {
	case strings.IndexByte("(),/", c) >= 0:
		l.at++
		return token{kind: punctuation, text: l.option[start:l.at], at: start}, nil
	case c == '\'':
		text, err := l.quoted()
		return token{kind: literal, lit: Literal{String, text}, at: start}, err
	case isWordByte(c):
		for l.at < len(l.option) && isWordByte(l.option[l.at]) {
			l.at++
		}
		text := l.option[start:l.at]
		if l.at < len(l.option) && l.option[l.at] == '\'' { // Namespace.Type'Member'
			member, err := l.quoted()
			return token{kind: literal, lit: Literal{Enum, member}, at: start}, err
		}
		if lit, ok := classify(text); ok {
			return token{kind: literal, lit: lit, at: start}, nil
		}
		if !isNameStart(text[0]) {
			l.at = start
			return token{}, l.fail()
		}
		return token{kind: word, text: text, at: start}, nil
	}
	return token{}, l.fail()
}

// quoted reads 'text' from the opening quote on.
func (l *lexer) quoted() (string, error) {
	var text strings.Builder
	for i := l.at + 1; i < len(l.option); i++ {
		if l.option[i] != '\'' {
			text.WriteByte(l.option[i])
			continue
		}
		if i+1 < len(l.option) && l.option[i+1] == '\'' {
			text.WriteByte('\'')
			i++
			continue
		}
		l.at = i + 1
		return text.String(), nil
	}
	return "", &SyntaxError{Option: l.option, At: l.at,
		Reason: "There is an unterminated string literal in '" + l.option + "'."}
}

func isWordByte(c byte) bool {
	return isNameStart(c) || c >= '0' && c <= '9' || strings.IndexByte("-+.:{}", c) >= 0
}

func isNameStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$' || c == '@' || c >= 0x80
}

// classify recognises the literals that are not quoted.
func classify(text string) (Literal, bool) {
	switch text {
	case "null":
		return Literal{Null, ""}, true
	case "true", "false":
		return Literal{Bool, text}, true
	}
	if guid := strings.Trim(text, "{}"); looksLike(guid, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx") {
		return Literal{GUID, strings.ToLower(guid)}, true
	}
	if len(text) >= 10 && looksLike(text[:10], "dddd-dd-dd") {
		if len(text) == 10 {
			return Literal{Date, text}, true
		}
		if text[10] == 'T' {
			return Literal{DateTime, text}, true
		}
	}
	if isNumber(text) {
		return Literal{Number, strings.TrimPrefix(text, "+")}, true
	}
	return Literal{}, false
}

// looksLike compares text with a pattern: x is a hexadecimal digit, d a decimal one.
func looksLike(text, pattern string) bool {
	if len(text) != len(pattern) {
		return false
	}
	for i := range len(text) {
		digit := text[i] >= '0' && text[i] <= '9'
		letter := text[i]|0x20 >= 'a' && text[i]|0x20 <= 'f'
		switch pattern[i] {
		case 'd':
			if !digit {
				return false
			}
		case 'x':
			if !digit && !letter {
				return false
			}
		default:
			if text[i] != pattern[i] {
				return false
			}
		}
	}
	return true
}

func isNumber(text string) bool {
	digits, point := 0, false
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '.' && !point:
			point = true
		case (c == '-' || c == '+') && i == 0:
		default:
			return false
		}
	}
	return digits > 0
}

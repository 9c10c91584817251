package odata

import "strings"

// maxDepth bounds the nesting of parentheses and nots.
const maxDepth = 200

// Filter reads $filter. It returns *SyntaxError or TooManyConditions if it cannot.
func Filter(option string) (Expr, error) {
	p := &parser{lexer: lexer{option: option}}
	if err := p.advance(); err != nil {
		return nil, err
	}
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.tok.kind != end {
		return nil, p.unexpected()
	}
	if p.conditions > MaxConditions {
		return nil, TooManyConditions{}
	}
	return e, nil
}

type parser struct {
	lexer
	tok        token
	depth      int
	conditions int
}

func (p *parser) advance() (err error) {
	p.tok, err = p.next()
	return err
}

func (p *parser) unexpected() error { return &SyntaxError{Option: p.option, At: p.tok.at} }

func (p *parser) isWord(w string) bool { return p.tok.kind == word && p.tok.text == w }

func (p *parser) take(punct string) error {
	if p.tok.kind != punctuation || p.tok.text != punct {
		return p.unexpected()
	}
	return p.advance()
}

func (p *parser) or() (Expr, error)  { return p.chain(Or, p.and) }
func (p *parser) and() (Expr, error) { return p.chain(And, p.condition) }

// chain reads operand { op operand }.
func (p *parser) chain(op Op, operand func() (Expr, error)) (Expr, error) {
	left, err := operand()
	for err == nil && p.isWord(string(op)) {
		if err = p.advance(); err != nil {
			break
		}
		var right Expr
		if right, err = operand(); err == nil {
			left = Binary{op, left, right}
		}
	}
	return left, err
}

// condition reads not, parentheses, a comparison or a lone boolean expression.
func (p *parser) condition() (Expr, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, TooManyConditions{}
	}
	defer func() { p.depth-- }()
	if p.isWord("not") {
		if err := p.advance(); err != nil {
			return nil, err
		}
		e, err := p.condition()
		return Not{e}, err
	}
	if p.tok.kind == punctuation && p.tok.text == "(" {
		if err := p.advance(); err != nil {
			return nil, err
		}
		e, err := p.or()
		if err != nil {
			return nil, err
		}
		return e, p.take(")")
	}
	p.conditions++
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	if p.tok.kind != word {
		return left, nil
	}
	switch op := Op(p.tok.text); op {
	case Eq, Ne, Gt, Ge, Lt, Le:
		if err := p.advance(); err != nil {
			return nil, err
		}
		right, err := p.operand()
		return Binary{op, left, right}, err
	}
	return left, nil
}

// operand reads a literal, a function call or a path.
func (p *parser) operand() (Expr, error) {
	tok := p.tok
	switch tok.kind {
	case literal:
		return tok.lit, p.advance()
	case word:
		if err := p.advance(); err != nil {
			return nil, err
		}
		if p.tok.kind == punctuation && p.tok.text == "(" {
			return p.call(tok.text)
		}
		return p.path(tok.text)
	}
	return nil, p.unexpected()
}

func (p *parser) call(name string) (Expr, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	call := Call{Name: name}
	for p.tok.kind != punctuation || p.tok.text != ")" {
		if len(call.Args) > 0 {
			if err := p.take(","); err != nil {
				return nil, err
			}
		}
		arg, err := p.operand()
		if err != nil {
			return nil, err
		}
		call.Args = append(call.Args, arg)
	}
	return call, p.advance()
}

func (p *parser) path(first string) (Expr, error) {
	path := Path{first}
	for p.tok.kind == punctuation && p.tok.text == "/" {
		if err := p.advance(); err != nil {
			return nil, err
		}
		if p.tok.kind != word {
			return nil, p.unexpected()
		}
		path = append(path, p.tok.text)
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	return path, nil
}

// Unquote returns the text of a quoted literal such as 'O”Neill', and whether s is one.
func Unquote(s string) (string, bool) {
	if len(s) < 2 || s[0] != '\'' || s[len(s)-1] != '\'' {
		return "", false
	}
	return strings.ReplaceAll(s[1:len(s)-1], "''", "'"), true
}

package simtenant

import "strings"

// conjuncts takes a $filter apart at its "and"s: not at those within a quoted text or
// within parentheses. The whole may be in parentheses, and so may each term. It is
// false for what does not close what it opens.
func conjuncts(text string) ([]string, bool) { return terms(text, " and ") }

func terms(text, operator string) ([]string, bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, true
	}
	var list []string
	from, depth, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\'':
			quoted = !quoted // a doubled quote closes and opens again
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth--
		case depth == 0 && strings.HasPrefix(text[i:], operator):
			list = append(list, text[from:i])
			from = i + len(operator)
			i = from - 1
		}
		if depth < 0 {
			return nil, false
		}
	}
	list = append(list, text[from:])
	if depth != 0 || quoted {
		return nil, false
	}
	if whole := inside(text); len(list) == 1 && whole != text && whole != "" {
		return terms(whole, operator)
	}
	for i, term := range list {
		list[i] = inside(strings.TrimSpace(term))
		if list[i] == "" {
			return nil, false
		}
	}
	return list, true
}

// inside is a term without the parentheses around it.
func inside(term string) string {
	inner, opens := strings.CutPrefix(term, "(")
	if inner, closes := strings.CutSuffix(inner, ")"); opens && closes {
		return strings.TrimSpace(inner)
	}
	return term
}

package main

import "encoding/json"

type reply struct {
	ID    int               `json:"id"`
	Names []string          `json:"names"`
	Tags  map[string]string `json:"tags"`
}

func init() {
	causes["json"] = cause{plant: func(running func() bool) {
		r := reply{4711, []string{"ann", "bob", "eve"}, map[string]string{"a": "1", "b": "2"}}
		for running() {
			encodeReply(&r)
		}
	}, lookalike: func(running func() bool) {
		text := []byte(`{"id":4711,"names":["ann","bob","eve"],"tags":{"a":"1","b":"2"}}`)
		for running() {
			for i := 0; i < 1000; i++ {
				p := jsonParser{text: text}
				p.parse()
			}
		}
	}}
}

//go:noinline
func encodeReply(r *reply) {
	text, err := json.Marshal(r)
	check(err)
	check(json.Unmarshal(text, &reply{}))
}

// jsonParser is a parser of the user's own: hot code, but not encoding/json.
type jsonParser struct {
	text  []byte
	depth int
	marks int
}

//go:noinline
func (p *jsonParser) parse() {
	for _, c := range p.text {
		switch c {
		case '{', '[':
			p.depth++
		case '}', ']':
			p.depth--
		case '"', ':', ',':
			p.marks++
		}
	}
}

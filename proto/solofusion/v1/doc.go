// Package solofusionv1 is the generated Go of the wire schema. Package bus
// turns its messages into the types of package perception and back; nothing
// else uses it.
//
// After a change of a .proto file run go generate in this folder and commit
// what it writes. buf lint and buf breaking hold the schema to its rules.
package solofusionv1

//go:generate go run github.com/bufbuild/buf/cmd/buf@v1.75.0 lint ../..
//go:generate go run github.com/bufbuild/buf/cmd/buf@v1.75.0 generate ../.. --template ../../buf.gen.yaml --output ../..

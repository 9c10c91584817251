// Package crash kills the service, as a process of its own, at every place of its durable writes and
// at random, while an environment changes and readers read; and then asks for proof that nothing is
// lost, nothing is there twice and no reader ever saw a half. Run it with `make test-crash`.
package crash

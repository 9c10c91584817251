package main

import "context"

// decode reads the whole table with the client and drops the batches: what every format pays.
func decode(ctx context.Context, b *bench) (result, error) {
	return decodeFrom(ctx, b, "decode", gzipPages)
}

// decodeIdentity is decode without decompression.
func decodeIdentity(ctx context.Context, b *bench) (result, error) {
	return decodeFrom(ctx, b, "decode/identity", identityPages)
}

func decodeFrom(ctx context.Context, b *bench, name string, kind sourceKind) (result, error) {
	s, err := b.source(ctx, kind)
	if err != nil {
		return result{}, err
	}
	return b.measure(ctx, name, "decode", order{Source: s.url})
}

func decodeJob(ctx context.Context, o order) (rows int64, err error) {
	c, err := o.connect()
	if err != nil {
		return 0, err
	}
	defer c.Close()
	t, err := c.Table(ctx, tableName)
	if err != nil {
		return 0, err
	}
	for batch, err := range c.Feed(ctx, t, "") {
		if err != nil {
			return 0, err
		}
		rows += int64(batch.NumRows())
	}
	return rows, nil
}

// Package sample fills a local Dataverse environment with a believable company and keeps it
// alive: accounts and their contacts, leads, opportunities, cases, activities with parties, notes,
// devices, and the catalogues behind them; then changes at a chosen rate.
//
// Seed and Traffic are deterministic: the same seed and clock on the same environment give the
// same rows, ids included. Lookups resolve, states and status reasons agree, texts keep to their
// columns' lengths, and a few rows hold the extremes that columns allow.
package sample

"""The routes of credits, which stand under two prefixes: the original's, and the API's own."""

from __future__ import annotations

from ledger.api import accounts, orders

CREDITS = (
    ("health", accounts.HealthView, "health"),
    ("info", accounts.AboutView, "info"),
    ("metrics", accounts.MetricsView, "metrics"),
    ("balances", accounts.BalancesView, "balances"),
    ("balance/<path:agent>", accounts.BalanceView, "balance"),
    ("history/<path:agent>", accounts.HistoryView, "history"),
    ("agents", orders.AgentsView, "agents"),
    ("consume", orders.ConsumeView, "consume"),
    ("refund", orders.RefundView, "refund"),
    ("add", orders.AddView, "add"),
    ("withdraw", orders.WithdrawView, "withdraw"),
)

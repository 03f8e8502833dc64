-- expand
-- Every replica writes its own part of the outbox: the lowest ten bits of an id say whose. Ids begin with a microsecond and were
-- no more than that before, so those of today are behind them.
--@postgres
CREATE SEQUENCE outbox_slot MINVALUE 0 MAXVALUE 1023 CYCLE;
--@end

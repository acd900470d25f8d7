-- Up Migration

COMMENT ON TABLE orders IS
  'One row per accepted order. Written once by orders-api, settled once by orders-consumer; a final status never changes. Settling is no HOT update, since the status is in the predicate of orders_pending; fillfactor keeps both versions on one page.';

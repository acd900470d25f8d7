/*
 * The protocol of Orders + Payments as built, one crash-prone step after the other. README.md says
 * which code each step stands for, what is left out, and which property each mutant breaks.
 *
 * Between two steps anything may happen. What stands in one d_step is one database transaction, or
 * one act of the broker. Faults have budgets (CRASHES, FREEZES, ...); a mutant is a -D.
 */

/* How large the system is, and how many faults of each kind there may be. */
#ifndef ORDERS
#define ORDERS 1
#endif
#ifndef RELAYS
#define RELAYS 1                 /* replicas of orders-relay */
#endif
#ifndef CONSUMERS
#define CONSUMERS 1              /* replicas of payments-consumer */
#endif
#ifndef CRASHES
#define CRASHES 0                /* kill -9 of any process, before or after any step */
#endif
#ifndef FREEZES
#define FREEZES 0                /* a process stands still for longer than the others wait */
#endif
#ifndef LOST_CONFIRMS
#define LOST_CONFIRMS 0          /* the publisher cannot know whether the message has arrived */
#endif
#ifndef UNBINDS
#define UNBINDS 0                /* the exchanges lose their bindings, until declared anew */
#endif
#ifndef DUPLICATES
#define DUPLICATES 0             /* the broker delivers a message once more */
#endif
#ifndef FAILURES
#define FAILURES 0               /* an event fails by itself until its attempts are exhausted */
#endif
#ifndef WIPES
#define WIPES 0                  /* the broker loses its disk: every queue is empty */
#endif
#ifndef TOP_UPS
#define TOP_UPS 0
#endif
#ifndef BALANCE
#define BALANCE 1                /* every order costs 1 */
#endif

/* Refunds are on (REFUNDS): each order has a second decision to ask for. */
#ifdef REFUNDS
#define LEGS 2
#else
#define LEGS 1
#endif

/* Asking again is on (ASKING): a decision then has two request ids, taken in turn. */
#ifdef ASKING
#define ASKINGS 2
#else
#define ASKINGS 1
#endif

/* Events are numbered: the requests, then the replies, each to the request of the same place. */
#define REQUESTS      (ORDERS * LEGS * ASKINGS)
#define orderOf(e)    (((e) % REQUESTS) / (ASKINGS * LEGS))
#define isOfRefund(e) (LEGS == 2 && (((e) % REQUESTS) / ASKINGS) % LEGS == 1)
#define replyTo(e)    ((e) + REQUESTS)
#ifdef FORGERIES                 /* two more, about order 0: they contradict what was decided */
#define FORGED_REQUEST (2 * REQUESTS)
#define FORGED_REPLY   (2 * REQUESTS + 1)
#define EVENTS         (2 * REQUESTS + 2)
#else
#define EVENTS         (2 * REQUESTS)
#endif

/* One option of an if or do for each request (first = 0) or reply (first = REQUESTS). */
#if ORDERS * LEGS * ASKINGS == 1
#define ANY(option, first) option(first)
#elif ORDERS * LEGS * ASKINGS == 2
#define ANY(option, first) option(first) option(first + 1)
#else
#define ANY(option, first) option(first) option(first + 1) option(first + 2) option(first + 3)
#endif

/* Who has something in hand. */
#define PAYMENTS_RELAY    0
#define ORDERS_CONSUMER   1
#define OPERATOR          2
#define ORDERS_RELAY      3
#define PAYMENTS_CONSUMER (3 + RELAYS)
#define PROCESSES         (3 + RELAYS + CONSUMERS)
#define NOTHING           255
#define FREE              255

#define has3(what, e) (what[0] == (e) || what[1] == (e) || what[2] == (e) || what[3] == (e) || what[4] == (e))
#if RELAYS + CONSUMERS == 2
#define has(what, e) has3(what, e)
#elif RELAYS + CONSUMERS == 3
#define has(what, e) (has3(what, e) || what[5] == (e))
#else
#define has(what, e) (has3(what, e) || what[5] == (e) || what[6] == (e))
#endif

mtype = { PENDING, PAID, FAILED, REFUNDING, REFUNDED, KEPT, OWED, PUBLISHED };

/* orders_db and payments_db. 0 is "there is no such row". */
mtype status[ORDERS];
mtype ledger[ORDERS];
mtype refund[ORDERS];            /* its refund in the ledger: REFUNDED, or KEPT if it was refused */
short balance = BALANCE;
mtype outbox[EVENTS];
byte  lockedBy[EVENTS] = FREE;   /* the relay whose open transaction has claimed the row */
bool  inbox[EVENTS];
mtype told[EVENTS];              /* the outcome that a reply tells of */
byte  latest[ORDERS];            /* orders.request_id: which of its requests asked last */

/* The requests for the decision that an order waits for. */
#define isWaiting(order) (status[order] == PENDING || status[order] == REFUNDING)
#define firstOf(order)   ((order * LEGS + (status[order] == REFUNDING -> 1 : 0)) * ASKINGS)

/* The broker. Counts end at 2: a third copy of the same message can do nothing that two cannot. */
byte ready[EVENTS];
byte letters[EVENTS];            /* dead letters */
byte channel[PROCESSES] = NOTHING; /* delivered on this channel and not yet acknowledged */
bool bound = true;

/* What the processes have in memory, gone when they die. */
byte hand[PROCESSES] = NOTHING;

/* For the properties alone. */
byte debits[ORDERS];
byte credits[ORDERS];
byte handled[EVENTS];
byte toppedUp;
bool overwritten;
bool oneIsFrozen;

byte crashes      = CRASHES;
byte freezes      = FREEZES;
byte lostConfirms = LOST_CONFIRMS;
byte unbinds      = UNBINDS;
byte duplicates   = DUPLICATES;
byte failures     = FAILURES;
byte wipes        = WIPES;
byte topUps       = TOP_UPS;

inline increment(counter) {
  if :: counter < 2 -> counter++ :: else fi
}

/* ------------------------------------------------------------------------------ orders-api */

inline accept(order) {
  status[order] = PENDING;
#ifndef OUTBOX_APART
  outbox[order * LEGS * ASKINGS] = OWED
#endif
}

proctype OrdersApi() {
  byte order;
  do
  :: order < ORDERS ->
     d_step { accept(order) }
#ifdef OUTBOX_APART
     if
     :: outbox[order * LEGS * ASKINGS] = OWED
     :: d_step { crashes > 0 -> crashes-- }
     fi;
#endif
     order++
  :: else -> break
  od
}

/* Once for each order, at any time while it is paid; or never. */
proctype Refunds() {
  byte order;
  do
  :: order < ORDERS ->
     if
     :: d_step { status[order] == PAID ->
          status[order] = REFUNDING; latest[order] = 0; outbox[firstOf(order)] = OWED }
     :: true
     fi;
     order++
  :: else -> break
  od
}

/* ------------------------------------------------------ messaging/outbox: a relay, one row a turn */

#ifdef MARK_BEFORE_PUBLISH
#define claimed(e) outbox[e] = PUBLISHED
#else
#define claimed(e) lockedBy[e] = me
#endif
#define CLAIM(e) \
  :: d_step { outbox[e] == OWED && lockedBy[e] == FREE -> claimed(e); hand[me] = e }

inline unlock(e) {
  if :: lockedBy[e] == me -> lockedBy[e] = FREE :: else fi
}

/* An open transaction ends with its connection, and with it the locks. */
inline relayDies() {
  crashes--;
#ifndef LOCK_OUTLIVES_RELAY
  unlock(hand[me]);
#endif
  hand[me] = NOTHING; confirmed = false
}

/* The database ends a transaction that idles for too long; the relay does not know yet. */
#define mayStayFrozen (RELAYS > 1 && me >= ORDERS_RELAY && !oneIsFrozen)
#define relayFreezes d_step { freezes > 0 && lockedBy[hand[me]] == me -> freezes--; unlock(hand[me]) }

/* The mark is part of the transaction that claimed: without the lock there is no such transaction. */
inline commitMark() {
  if
  :: confirmed && lockedBy[hand[me]] == me -> outbox[hand[me]] = PUBLISHED
  :: else
  fi;
  unlock(hand[me]);
  hand[me] = NOTHING; confirmed = false
}

#ifdef IGNORE_RETURNS
#define RETURNED true
#else
#define RETURNED false
#endif
#ifdef LATE_IS_CONFIRMED
#define LATE true
#else
#define LATE false
#endif

proctype Relay(byte me, first) {
  bool confirmed;
idle:
end:
  if
  ANY(CLAIM, first)
  fi;
publishing:
  if
  :: d_step { bound -> increment(ready[hand[me]]); confirmed = true }
  :: d_step { !bound -> confirmed = RETURNED }
#if LOST_CONFIRMS > 0
  :: d_step { lostConfirms > 0 && bound -> lostConfirms--; increment(ready[hand[me]]); confirmed = LATE }
  :: d_step { lostConfirms > 0 -> lostConfirms--; confirmed = LATE }
#endif
#if CRASHES > 0
  :: d_step { crashes > 0 -> relayDies() } goto idle
#endif
#if FREEZES > 0
#ifdef NO_IDLE_TIMEOUT
  :: d_step { freezes > 0 && mayStayFrozen -> freezes--; oneIsFrozen = true } goto frozen
#else
  :: relayFreezes; goto publishing
  :: d_step { freezes > 0 && mayStayFrozen -> freezes--; oneIsFrozen = true; unlock(hand[me]) } goto frozen
#endif
#endif
  fi;
marking:
  if
  :: d_step { commitMark() }
#if CRASHES > 0
  :: d_step { crashes > 0 -> relayDies() }
#endif
#if FREEZES > 0 && !defined(NO_IDLE_TIMEOUT)
  :: relayFreezes; goto marking
#endif
  fi;
  goto idle;
#if FREEZES > 0
frozen:                          /* for good: another relay has to do its work */
end_frozen:
  hand[me] = NOTHING; false
#endif
}

/* ------------------------------------------ messaging/inbox: a consumer, one message at a time */

#ifdef ACK_BEFORE_COMMIT
#define delivered(e) skip
#else
#define delivered(e) channel[me] = e
#endif
#define DELIVER(e) :: d_step { ready[e] > 0 -> ready[e]--; delivered(e); hand[me] = e }

/* The broker gives to another what was delivered to one who is dead, or seems to be. */
inline redeliver() {
  if
  :: channel[me] != NOTHING -> increment(ready[channel[me]]); channel[me] = NOTHING
  :: else
  fi
}

inline consumerDies() {
  crashes--;
  redeliver();
  hand[me] = NOTHING; park = false; fresh = false
}

#define consumerFreezes d_step { freezes > 0 && channel[me] != NOTHING -> freezes--; redeliver() }

/* Acknowledging on a channel that is lost does nothing. */
inline acknowledge() {
  channel[me] = NOTHING
}

/* The attempts of an event are exhausted: its transaction was rolled back, the inbox with it. */
inline exhaust() {
  failures--;
  park = true;
#ifdef PARKED_IS_REMEMBERED
  inbox[hand[me]] = true
#endif
}

inline remember(e) {
  fresh = !inbox[e];
  inbox[e] = true;
#ifdef NO_INBOX
  fresh = true
#endif
}

/* What follows a transaction: an acknowledgement, or the dead letter and then the acknowledgement. */
#ifdef ACK_BEFORE_LETTER
#define letterGoesOut :: d_step { park && channel[me] != NOTHING -> acknowledge() } goto settling \
  :: d_step { park && channel[me] == NOTHING -> increment(letters[hand[me]]); park = false } goto settling
#else
#define letterGoesOut \
  :: d_step { park && channel[me] != NOTHING -> increment(letters[hand[me]]); park = false } goto settling \
  :: d_step { park && channel[me] == NOTHING -> park = false } goto settling
#endif

#if FREEZES > 0
#define FREEZE(label) :: consumerFreezes; goto label
#else
#define FREEZE(label)
#endif
#if CRASHES > 0
#define DIE :: d_step { crashes > 0 -> consumerDies() } goto idle
#else
#define DIE
#endif
#if FAILURES > 0
#define FAIL :: d_step { failures > 0 -> exhaust() }
#else
#define FAIL
#endif
#if LOST_CONFIRMS > 0
#define LETTER_UNCONFIRMED \
  :: d_step { park && lostConfirms > 0 -> lostConfirms--; increment(letters[hand[me]]) } goto settling
#else
#define LETTER_UNCONFIRMED
#endif

/* ------------------------------------------------------------------------ payments-consumer */

inline recordDebit(order, outcome) {
  ledger[order] = outcome;
  if :: outcome == PAID -> increment(debits[order]) :: else fi
}

/* The recorded outcome, if the order was decided before; else a decision, which is recorded. */
inline decide(order) {
  if
#ifndef NO_LEDGER_FENCE
  :: ledger[order] != 0 -> skip
#endif
  :: else ->
     if
#ifdef NO_BALANCE_CHECK
     :: true -> balance = balance - 1; recordDebit(order, PAID)
#else
     :: seen >= 1 -> balance = seen - 1; recordDebit(order, PAID)
#endif
     :: else -> recordDebit(order, FAILED)
     fi
  fi
}

/* The recorded outcome of a refund; else the money goes back, or does not fit, and that is recorded. */
inline decideRefund(order) {
  if
#ifndef NO_REFUND_FENCE
  :: refund[order] != 0 -> skip
#endif
  :: else ->
     if
     :: refund[order] = REFUNDED; increment(credits[order]);
#ifdef REFUND_TAKES
        balance = balance - 1
#else
        balance = balance + 1
#endif
     :: refund[order] = KEPT
     fi
  fi
}

inline reply(e) {
  told[replyTo(e)] = (isOfRefund(e) -> refund[orderOf(e)] : ledger[orderOf(e)]);
  outbox[replyTo(e)] = OWED
}

/* In the transaction whose inbox row says that the event is fresh. */
inline charge(e) {
#ifndef NO_ACCOUNT_LOCK
  seen = balance;
#endif
#ifdef NO_REPEATED_REPLY
  if :: ledger[orderOf(e)] == 0 -> decide(orderOf(e)); reply(e) :: else fi;
#else
  decide(orderOf(e));
#ifndef REPLY_APART
  reply(e);
#endif
#endif
#ifdef REFUSAL_NOT_RECORDED
  if :: ledger[orderOf(e)] == FAILED -> ledger[orderOf(e)] = 0 :: else fi;
#endif
  increment(handled[e]);
  seen = 0
}

/* What was not charged is not given back: such a request is set aside. */
inline giveBack(e) {
  if
  :: ledger[orderOf(e)] != PAID -> inbox[e] = false; park = true
  :: else -> decideRefund(orderOf(e)); reply(e); increment(handled[e])
  fi
}

/* A request about another amount is set aside: the transaction forgets it, and has no effect. */
inline chargeForgery(e) {
#ifdef AMOUNT_NOT_COMPARED
  increment(handled[e])
#else
  inbox[e] = false; park = true
#endif
}

inline handleRequest(e) {
#ifndef INBOX_APART
  remember(e);
#endif
  if
  :: !fresh -> skip
#ifdef FORGERIES
  :: fresh && e == FORGED_REQUEST -> chargeForgery(e)
#endif
#ifdef REFUNDS
  :: fresh && isOfRefund(e) -> giveBack(e)
#endif
  :: else -> charge(e)
  fi;
#ifndef REPLY_APART
  fresh = false
#endif
}

proctype PaymentsConsumer(byte me) {
  bool park, fresh;
  short seen;
idle:
end:
  if
  ANY(DELIVER, 0)
#ifdef FORGERIES
  DELIVER(FORGED_REQUEST)
#endif
  fi;
handling:
#ifdef INBOX_APART
  if
  :: d_step { remember(hand[me]) }
  DIE
  fi;
#endif
#ifdef NO_ACCOUNT_LOCK
  seen = balance;
#endif
  if
  :: d_step { handleRequest(hand[me]) }
  FAIL
  DIE
  FREEZE(handling)
  fi;
#ifdef REPLY_APART
  if
  :: d_step { fresh -> reply(hand[me]); fresh = false }
  :: d_step { !fresh -> skip }
  DIE
  fi;
#endif
settling:
  if
  :: d_step { !park -> acknowledge(); hand[me] = NOTHING }
  letterGoesOut
  LETTER_UNCONFIRMED
  DIE
  FREEZE(settling)
  fi;
  goto idle
}

/* -------------------------------------------------------------------------- orders-consumer */

#define afterRefund(outcome) (outcome == REFUNDED -> REFUNDED : PAID)
#define isRefunding(order)   (status[order] == REFUNDING || status[order] == REFUNDED)
#define hasRefundEnded(order) (status[order] == PAID || status[order] == REFUNDED)

/* Settled once, from PENDING or REFUNDING; the same outcome again is no news, another one is set aside. */
inline settle(e) {
  if
#ifdef REFUNDS
  :: isOfRefund(e) && status[orderOf(e)] == REFUNDING ->
     status[orderOf(e)] = afterRefund(told[e]); increment(handled[e])
  :: isOfRefund(e) && hasRefundEnded(orderOf(e)) && status[orderOf(e)] == afterRefund(told[e]) -> increment(handled[e])
  :: !isOfRefund(e) && told[e] == PAID && isRefunding(orderOf(e)) ->
#ifdef LATE_REPLY_OVERWRITES
     status[orderOf(e)] = PAID; overwritten = true;
#endif
     increment(handled[e])
#endif
  :: !isOfRefund(e) && status[orderOf(e)] == PENDING -> status[orderOf(e)] = told[e]; increment(handled[e])
  :: !isOfRefund(e) && status[orderOf(e)] == told[e] -> increment(handled[e])
  :: else ->
#ifdef NO_STATUS_GUARD
     status[orderOf(e)] = told[e]; overwritten = true; increment(handled[e])
#else
     inbox[e] = false; park = true
#endif
  fi
}

inline handleReply(e) {
#ifndef INBOX_APART
  remember(e);
#endif
  if :: fresh -> settle(e) :: else fi;
  fresh = false
}

proctype OrdersConsumer(byte me) {
  bool park, fresh;
idle:
end:
  if
  ANY(DELIVER, REQUESTS)
#ifdef FORGERIES
  DELIVER(FORGED_REPLY)
#endif
  fi;
handling:
#ifdef INBOX_APART
  if
  :: d_step { remember(hand[me]) }
  DIE
  fi;
#endif
  if
  :: d_step { handleReply(hand[me]) }
  FAIL
  DIE
  FREEZE(handling)
  fi;
settling:
  if
  :: d_step { !park -> acknowledge(); hand[me] = NOTHING }
  letterGoesOut
  LETTER_UNCONFIRMED
  DIE
  FREEZE(settling)
  fi;
  goto idle
}

/* ----------------------------------------- asking again: a loop of its own in orders-consumer */

/* Nothing is left of a request: its number may stand for a new id, which nobody has seen before. */
#define isGone(e) (outbox[e] != OWED && outbox[replyTo(e)] != OWED \
  && ready[e] == 0 && ready[replyTo(e)] == 0 && letters[e] == 0 && letters[replyTo(e)] == 0 && !held(e))
#define held(e) (has(hand, e) || has(hand, replyTo(e)) || has(channel, e) || has(channel, replyTo(e)))

#define latestOf(order) (firstOf(order) + latest[order])
#define nextOf(order)   (firstOf(order) + 1 - latest[order])

inline askWith(e) {
  inbox[e] = false;          inbox[replyTo(e)] = false;
  handled[e] = 0;            handled[replyTo(e)] = 0;
  outbox[replyTo(e)] = 0;    told[replyTo(e)] = 0;
  outbox[e] = OWED
}

#ifdef SAME_ID_AGAIN
#define ASK(order) :: d_step { isWaiting(order) && outbox[latestOf(order)] == PUBLISHED -> \
  outbox[latestOf(order)] = OWED }
#else
#define ASK(order) :: d_step { isWaiting(order) && outbox[latestOf(order)] == PUBLISHED \
  && isGone(nextOf(order)) -> askWith(nextOf(order)); latest[order] = 1 - latest[order] }
#endif

proctype AskAgain() {
end:
  do
  ASK(0)
#if ORDERS > 1
  ASK(1)
#endif
  od
}

/* ------------------------------------------------------------------------ operator: redrive */

/* One letter after the other, with its original id; contradictions are for humans to read. */
#define TAKE_LETTER(e) :: d_step { letters[e] > 0 -> letters[e]--; channel[me] = e; hand[me] = e }

inline operatorStops() {
  crashes--;
  if :: channel[me] != NOTHING -> increment(letters[channel[me]]); channel[me] = NOTHING :: else fi;
  hand[me] = NOTHING
}

#if CRASHES > 0
#define STOP :: d_step { crashes > 0 -> operatorStops() } goto idle
#else
#define STOP
#endif

proctype Operator(byte me) {
idle:
end:
  if
  ANY(TAKE_LETTER, 0)
  ANY(TAKE_LETTER, REQUESTS)
  fi;
#ifdef REDRIVE_ACK_FIRST
  acknowledge();
  if
  :: d_step { bound -> increment(ready[hand[me]]); hand[me] = NOTHING }
  STOP
  fi;
#else
  if
  :: d_step { bound -> increment(ready[hand[me]]) }
  STOP
  fi;
  if
  :: d_step { acknowledge(); hand[me] = NOTHING }
  STOP
  fi;
#endif
  goto idle
}

/* ----------------------------------------------------------------- what befalls the system */

inline wipe() {
  do
  :: i < EVENTS -> ready[i] = 0; letters[i] = 0; i++
  :: else -> break
  od;
  i = 0;
  do
  :: i < PROCESSES -> channel[i] = NOTHING; i++
  :: else -> break
  od;
  i = 0
}

#define DUPLICATE(e) :: d_step { duplicates > 0 && ready[e] == 1 -> duplicates--; ready[e] = 2 }

proctype Trouble() {
  byte i;
end:
  do
#if WIPES > 0
  :: d_step { wipes > 0 -> wipes--; wipe() }
  :: d_step { wipes > 0 -> wipes = 0 }
#endif
#if UNBINDS > 0
  :: d_step { unbinds > 0 && bound -> unbinds--; bound = false }
  :: d_step { !bound -> bound = true }
  :: d_step { unbinds > 0 -> unbinds = 0 }
#endif
#if DUPLICATES > 0
  ANY(DUPLICATE, 0)
  ANY(DUPLICATE, REQUESTS)
  :: d_step { duplicates > 0 -> duplicates = 0 }
#endif
#if TOP_UPS > 0
  :: d_step { topUps > 0 -> topUps--; balance++; toppedUp++ }
  :: d_step { topUps > 0 -> topUps = 0 }
#endif
#ifdef FORGERIES
  :: d_step { ledger[0] != 0 && told[FORGED_REQUEST] == 0 ->
       told[FORGED_REQUEST] = PENDING; ready[FORGED_REQUEST] = 1 }
  :: d_step { (status[0] == PAID || status[0] == FAILED) && told[FORGED_REPLY] == 0 ->
       told[FORGED_REPLY] = (status[0] == PAID -> FAILED : PAID); ready[FORGED_REPLY] = 1 }
#endif
  :: false
  od
}

init {
  atomic {
    run OrdersApi();
#ifdef REFUNDS
    run Refunds();
#endif
    run Relay(PAYMENTS_RELAY, REQUESTS);
    run Relay(ORDERS_RELAY, 0);
    run PaymentsConsumer(PAYMENTS_CONSUMER);
    run OrdersConsumer(ORDERS_CONSUMER);
#if RELAYS > 1
    run Relay(ORDERS_RELAY + 1, 0);
#endif
#if CONSUMERS > 1
    run PaymentsConsumer(PAYMENTS_CONSUMER + 1);
#endif
#if defined(ASKING) && !defined(NO_ASKING)
    run AskAgain();
#endif
#if FAILURES > 0 && !defined(NO_REDRIVE)
    run Operator(OPERATOR);
#endif
#if WIPES + UNBINDS + DUPLICATES + TOP_UPS > 0 || defined(FORGERIES)
    run Trouble();
#endif
  }
}

/* ------------------------------------------------------------------------------ properties */

#if ORDERS == 1
#define EVERY(p) p(0)
#define SPENT (debits[0] - credits[0])
#else
#define EVERY(p) (p(0) && p(1))
#define SPENT (debits[0] + debits[1] - credits[0] - credits[1])
#endif
#if ASKINGS == 1
#define WAY(leg) underway(leg)
#else
#define WAY(leg) (underway(2 * (leg)) || underway(2 * (leg) + 1))
#endif
#if LEGS == 1
#define hasWay(order) (status[order] != PENDING || WAY(order))
#else
#define hasWay(order) ((status[order] != PENDING || WAY(2 * order)) && (status[order] != REFUNDING || WAY(2 * order + 1)))
#endif
#if EVENTS == 2
#define EACH(p) (p(0) && p(1))
#elif EVENTS == 4
#define EACH(p) (p(0) && p(1) && p(2) && p(3))
#else
#define EACH(p) (p(0) && p(1) && p(2) && p(3) && p(4) && p(5) && p(6) && p(7))
#endif

#define isFinal(order)     (status[order] == PAID || status[order] == FAILED || status[order] == REFUNDED)
#define onceDebited(order) (debits[order] <= 1)
#define onceCredited(order) (credits[order] <= debits[order] && credits[order] <= 1)
#define agrees(order) \
  ((status[order] != PAID || (ledger[order] == PAID && debits[order] == 1 && credits[order] == 0)) && \
   (status[order] != FAILED || (ledger[order] == FAILED && debits[order] == 0)) && \
   (status[order] != REFUNDED || (refund[order] == REFUNDED && debits[order] == 1 && credits[order] == 1)))
#define onceHandled(e)     (handled[e] <= 1)
#define inBroker(e)        (ready[e] > 0 || letters[e] > 0 || has(channel, e))
#define underway(e)        (outbox[e] == OWED || inBroker(e) || outbox[replyTo(e)] == OWED || inBroker(replyTo(e)))

#define ONE_DEBIT   EVERY(onceDebited)
#define ONE_CREDIT  EVERY(onceCredited)
#define HONEST      EVERY(agrees)
#define STAYS       (!overwritten)
#define BOOKS       (balance >= 0 && balance == BALANCE + toppedUp - SPENT)
#define HANDLED     EACH(onceHandled)
#ifdef FORGERIES
#define SET_ASIDE   (handled[FORGED_REQUEST] == 0 && handled[FORGED_REPLY] == 0)
#else
#define SET_ASIDE   true
#endif
#if WIPES > 0
#define NONE_LOST   true         /* a wipe does lose messages; what is left is that orders end */
#else
#define NONE_LOST   EVERY(hasWay)
#endif

ltl one_debit       { [] ONE_DEBIT }
ltl one_credit      { [] ONE_CREDIT }
ltl status_is_true  { [] HONEST }
ltl final_is_final  { [] STAYS }
ltl books_add_up    { [] BOOKS }
ltl handled_once    { [] HANDLED }
ltl set_aside       { [] SET_ASIDE }
ltl none_lost       { [] NONE_LOST }
ltl safety          { [] (ONE_DEBIT && ONE_CREDIT && HONEST && STAYS && BOOKS && HANDLED && SET_ASIDE && NONE_LOST) }
ltl every_order_ends { <> EVERY(isFinal) }
ltl every_refund_ends { [] (status[0] == REFUNDING -> <> isFinal(0)) }

/*
 * A message that kills its consumer, and its neighbours: messaging/inbox as built, with its batches and
 * its quarantine. README.md says which code each step stands for. Message 0 is the killer, 1 a plain
 * neighbour, 2 one that fails FAILS times by itself before it succeeds.
 */

#ifndef CRASHES
#define CRASHES 0                /* deaths of a consumer that no message is to blame for */
#endif
#ifndef FAILS
#define FAILS 0
#endif
#ifndef REPLICAS
#define REPLICAS 1
#endif

#define MESSAGES       3
#define KILLER         0
#define FAILING        2
#define MAX_UNFINISHED 3         /* quarantine-policy.ts: maxUnfinished */
#define MAX_ATTEMPTS   6         /* CONSUMER_MAX_ATTEMPTS */
#define NOBODY         255

mtype = { QUEUED, CAME_BACK, PENDING, IN_BATCH, SUSPECT, ON_TRIAL, COMMITTED, HANDLED, PARKED };

/* The broker: where each message is, and on whose channel. */
mtype at[MESSAGES] = QUEUED;
byte  heldBy[MESSAGES] = NOBODY;

/* The database: table attempts (0, 0 is "no row") and inbox. */
byte started[MESSAGES];
byte finished[MESSAGES];
bool inbox[MESSAGES];

byte crashes = CRASHES;
byte fails   = FAILS;
byte deaths;                     /* those that the killer is to blame for */

#define EACH(p) (p(0) && p(1) && p(2))
#define ANY(option) option(0) option(1) option(2)

/* Without a row, a message that came back was not tried since (quarantine-policy.ts: untried). */
#define unfinished(m) (started[m] - finished[m])
#ifdef BATCH_BLAMED
#define mayGoTogether(m) (unfinished(m) < MAX_UNFINISHED)
#else
#define mayGoTogether(m) (started[m] == 0)
#endif
#define isMine(m)     (heldBy[m] == me)
#define has(state)    ((at[0] == state && isMine(0)) || (at[1] == state && isMine(1)) || (at[2] == state && isMine(2)))

/* Anybody who waits: the dangerous go after the innocent, but their patience may end at any moment (nextOf). */
#define isNext(m) (at[m] == SUSPECT && isMine(m))
#define isUntried(m) (isNext(m) && mayGoTogether(m))
#define isOnTrial(m) (at[m] == ON_TRIAL && isMine(m))

/* All that a consumer has in its hands comes back, marked as redelivered. */
inline die() {
  m = 0;
  do
  :: m < MESSAGES ->
     if
     :: isMine(m) -> at[m] = CAME_BACK; heldBy[m] = NOBODY
     :: else
     fi;
#ifdef COUNT_IN_MEMORY
     started[m] = 0; finished[m] = 0;
#endif
     m++
  :: else -> break
  od;
  m = 0
}

inline killerKills() {
  if :: deaths < 5 -> deaths++ :: else fi;
  die()
}

#define DELIVER(m) \
  :: d_step { at[m] == QUEUED -> at[m] = PENDING; heldBy[m] = me } \
  :: d_step { at[m] == CAME_BACK -> at[m] = SUSPECT; heldBy[m] = me }

/* A lane takes what is pending; a batch is one transaction, in which the killer kills. */
inline take() {
  m = 0;
  do
  :: m < MESSAGES ->
     if :: at[m] == PENDING && isMine(m) -> at[m] = IN_BATCH :: else fi; m++
  :: else -> break
  od;
  m = 0
}

/* A message that fails by itself is split off and goes on alone, its failure counted. */
inline fail(n) {
  fails--;
#ifdef FINISHED_NOT_COUNTED
  started[n]++;
#else
  if :: started[n] < finished[n] + 1 -> started[n] = finished[n] + 1 :: else fi;
  finished[n]++;
#endif
  at[n] = (finished[n] >= MAX_ATTEMPTS -> PARKED : SUSPECT)
}

/* The effect, the inbox, and the end of what was counted, in one transaction. */
inline commit(n) {
  inbox[n] = true; at[n] = COMMITTED;
#ifndef FORGET_AT_ACK
  started[n] = 0; finished[n] = 0
#endif
}

inline handleBatch() {
  if
  :: at[KILLER] == IN_BATCH && isMine(KILLER) -> killerKills()
  :: else ->
     m = 1;
     do
     :: m < MESSAGES ->
        if
        :: at[m] == IN_BATCH && isMine(m) && m == FAILING && fails > 0 -> fail(m)
        :: at[m] == IN_BATCH && isMine(m) && !(m == FAILING && fails > 0) -> commit(m)
        :: else
        fi;
        m++
     :: else -> break
     od;
     m = 0
  fi
}

#define ACK(m) :: d_step { at[m] == COMMITTED && isMine(m) -> at[m] = HANDLED; heldBy[m] = NOBODY; \
  started[m] = 0; finished[m] = 0 }

/*
 * Suspects that came back for the first time are handled together, others alone; their starts are
 * counted before, in a transaction of its own.
 */
#if defined(ATTEMPTS_NOT_COUNTED)
#define countStart(m) skip
#else
#define countStart(m) started[m]++
#endif

inline tryTogether() {
  m = 0;
  do
  :: m < MESSAGES -> if :: isUntried(m) -> countStart(m); at[m] = ON_TRIAL :: else fi; m++
  :: else -> break
  od;
  m = 0
}

#define TRY(m) :: d_step { isNext(m) && !mayGoTogether(m) && !has(ON_TRIAL) && \
  unfinished(m) < MAX_UNFINISHED -> countStart(m); at[m] = ON_TRIAL }
#define CONVICT(m) :: d_step { isNext(m) && !has(ON_TRIAL) && unfinished(m) >= MAX_UNFINISHED -> \
  at[m] = PARKED; heldBy[m] = NOBODY; started[m] = 0; finished[m] = 0 }

/* One transaction, in which the killer kills. */
inline endTrial() {
  if
  :: isOnTrial(KILLER) -> killerKills()
  :: else ->
     m = 1;
     do
     :: m < MESSAGES ->
        if
        :: isOnTrial(m) && m == FAILING && fails > 0 && !inbox[m] -> fail(m)
        :: isOnTrial(m) && !(m == FAILING && fails > 0 && !inbox[m]) -> commit(m)
        :: else
        fi;
        m++
     :: else -> break
     od;
     m = 0
  fi
}

proctype Consumer(byte me) {
  byte m;
end:
  do
  ANY(DELIVER)
  :: d_step { has(PENDING) && !has(IN_BATCH) -> take() }
  :: d_step { has(IN_BATCH) -> handleBatch() }
  :: d_step { !has(ON_TRIAL) && (isUntried(0) || isUntried(1) || isUntried(2)) -> tryTogether() }
  ANY(TRY)
  ANY(CONVICT)
  :: d_step { has(ON_TRIAL) -> endTrial() }
  ANY(ACK)
#if CRASHES > 0
  :: d_step { crashes > 0 && (isMine(0) || isMine(1) || isMine(2)) -> crashes--; die() }
#endif
  od
}

init {
  atomic {
    run Consumer(1);
#if REPLICAS > 1
    run Consumer(2);
#endif
  }
}

/* ------------------------------------------------------------------------------ properties */

#define FOUR_DEATHS (deaths <= 4)
#define INNOCENT     (at[1] != PARKED && at[FAILING] != PARKED)

ltl four_deaths      { [] FOUR_DEATHS }
ltl innocents_stay    { [] INNOCENT }
ltl safety            { [] (FOUR_DEATHS && INNOCENT) }
ltl killer_is_parked  { <> (at[KILLER] == PARKED) }
ltl neighbours_end    { <> (at[1] == HANDLED && at[FAILING] == HANDLED) }
ltl liveness          { <> (at[KILLER] == PARKED && at[1] == HANDLED && at[FAILING] == HANDLED) }

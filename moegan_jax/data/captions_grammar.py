"""The rules of the captions grammar; `captions.py` turns them into a machine.

An original grammar of everyday photo captions. A rule is `NAME: alternative
| alternative ...`. Capitals are names of rules, all else are words; `_` is
nothing. `*2` before an alternative is its weight. A rule without any weights
gives alternative k = 0, 1, .. the weight 1 / (k + 5): a few words are frequent
and many are rare, as in real text.

Agreement: `.m`, `.f`, `.n`, `.p` after a name say that the subject is a man,
a woman, a thing or animal, or several. A rule `NAME.#` stands for all four,
and `.#` in its alternatives hands the subject on. There, `ride~` is one of
"rides", "is riding" and "riding" (plural: "ride", "are riding", "riding"),
`be~` is "is" or "are", `his~` the fitting possessive. `a` becomes "an" where
the next word asks for it.
"""

RULES = """
S: TOP .

TOP: STREET.m | STREET.f | STREET.p | KITCHEN.m | KITCHEN.f | KITCHEN.p
  | MEAL.m | MEAL.f | MEAL.p | BEACH.m | BEACH.f | BEACH.p | SNOW.m | SNOW.f
  | SNOW.p | PARK.m | PARK.f | PARK.p | BALL.m | BALL.f | BALL.p | TENNIS.m
  | TENNIS.f | *2 SKATE.m | SKATE.f | SKATE.p | HOME.m | HOME.f | HOME.p
  | OFFICE.m | OFFICE.f | OFFICE.p | MARKET.m | MARKET.f | MARKET.p | FARM.m
  | FARM.f | FARM.p | HARBOR.m | HARBOR.f | HARBOR.p | STATION.m | STATION.f
  | STATION.p | MUSIC.m | MUSIC.f | MUSIC.p | *4 BATHROOM | *3 STOVE
  | *2 BEDROOM | *2 LOUNGE | *4 PLATE | *4 TRAFFIC | *2 RAIL | *2 AIR
  | *2 WATER | *4 CAT | *4 DOG | *3 HERD | *3 WILD | *3 BIRD | *2 TOWN
  | *2 TABLETOP | *2 GARDEN

WHO.m: *4 a man | *4 a AGE man | *1 a boy | *2 a SMALL boy | *2 a MOOD man
  | *1 a MOOD boy | *.5 a bearded man | *.4 a father | *.3 a gentleman
WHO.f: *4 a woman | *4 a AGE woman | *1 a girl | *2 a SMALL girl
  | *2 a MOOD woman | *1 a MOOD girl | *.5 a lady | *.4 a mother
  | *.3 a grandmother
WHO.p: *4 COUNT FOLK | *2 COUNT AGE GROWN | *2 a group of FOLK
  | *1 a couple of FOLK | *1 a man and a woman | *.5 a mother and her SON
  | *.5 a father and his SON | *1 a AGE couple
AGE: young | old | older | elderly | tall | heavy | slim
SMALL: little | young | small | cheerful | blond | barefoot
MOOD: smiling | happy | tired | laughing | serious | lonely
COUNT: two | three | several | some | four | many | five
FOLK: people | men | women | children | friends | kids | boys | girls | adults
GROWN: people | men | women | adults | friends | neighbors
SON: son | daughter | baby | toddler
HUE: red | blue | white | black | green | yellow | brown | gray | orange
  | purple | pink | tan
SIZE: large | small | big | tiny | huge | wide
OUTDOORS: *6 _ | *1 on a WEATHER day | *.5 at night | *.5 in the rain
  | *.5 at sunset | *.5 in the morning
ASIDE: *9 _ | *1 while a ONLOOKER watches | *.5 as people pass by
  | *.5 while others look on | *.5 next to a ONLOOKER
  | *.4 with a camera nearby
ONLOOKER: crowd | dog | child | man | woman | friend | cat | teacher | guard
  | stranger
VIEW: *8 _ | *1 a picture of | *1 a close up of | *.7 a photo of
  | *.7 a view of | *.4 a drawing of
WEATHER: sunny | cloudy | rainy | windy | warm | foggy | hot

STREET.#: WHO.# STREET_WEAR.# STREET_DO.# OUTDOORS
STREET_WEAR.#: *6 _ | *2 in a HUE COAT | *1 with a HUE BAG
STREET_WEAR.p: *6 _ | *2 in HUE COATS | *1 with HUE BAGS
COAT: jacket | coat | shirt | hoodie | hat | sweater | scarf | vest
COATS: jackets | coats | shirts | hoodies | hats | sweaters | scarves | vests
BAG: backpack | bag | umbrella | purse | briefcase | suitcase
BAGS: backpacks | bags | umbrellas | purses | suitcases
STREET_DO.#: *3 ride~ a CYCLE ROADWAY | *2 walk~ ROADWAY
  | *2 cross~ a STREETKIND street | *1 push~ a CART ROADWAY
  | *1 wait~ at a CORNER | *1 stand~ next to a HUE CAR
  | *1 talk~ on a phone ROADWAY | *1 get~ into a HUE CAR
  | *1 lean~ against a HUE CAR | *.5 jog~ ROADWAY
  | *.7 carry~ a HUE umbrella ROADWAY
CYCLE: bicycle | motorcycle | HUE bicycle | scooter | HUE motorcycle | moped
CART: stroller | cart | wheelbarrow
ROADWAY: down a STREETKIND street | along a sidewalk | through the city
  | on a STREETKIND road | past a ROADSIDE | across a bridge
STREETKIND: busy | quiet | city | narrow | wet | crowded | empty | steep
  | dusty | paved
CORNER: crosswalk | street corner | traffic light | bus stop | red light
CAR: car | truck | taxi | van | bus | pickup | convertible | limousine
ROADSIDE: brick building | shop | bakery | parked car | fire hydrant | church
  | bank | cafe | hotel | fountain | statue | mailbox

KITCHEN.#: WHO.# KITCHEN_WEAR.# KITCHEN_DO.# KITCHEN_AT ASIDE
KITCHEN_WEAR.#: *5 _ | *2 in a HUE apron | *1 wearing a white apron
  | *.5 in a chef hat
KITCHEN_WEAR.p: *5 _ | *2 in HUE aprons | *1 wearing white aprons
  | *.5 in chef hats
KITCHEN_DO.#: chop~ VEG | cook~ COOKED in a PAN | stir~ a pot of COOKED
  | wash~ DISHES | bake~ BAKED | open~ the refrigerator | slice~ VEG
  | make~ a DISH | pour~ DRINK into a CUP | peel~ VEG | roll~ out dough
  | taste~ the COOKED | decorate~ a cake
KITCHENKIND: small | modern | clean | tiny | bright | restaurant | messy
  | cramped | spotless
KITCHEN_AT: *3 _ | *5 in a KITCHENKIND kitchen | *1 at the stove
  | *1 at the counter | *1 by the sink | *.5 near the oven
VEG: vegetables | onions | carrots | tomatoes | peppers | potatoes | mushrooms
  | cucumbers | garlic
PAN: pan | large pot | skillet | wok | black pan
COOKED: soup | pasta | rice | noodles | stew | sauce | chili
DISHES: dishes | plates | glasses | pots and pans | a bowl
BAKED: cookies | bread | a pie | muffins | a cake | pizza
DISH: pizza | sandwich | salad | meal | omelet | burrito
DRINK: milk | coffee | juice | water | batter | tea
CUP: glass | cup | mug | bowl | pitcher | blender

MEAL.#: WHO.# MEAL_DO.# MEAL_AT ASIDE
MEAL_DO.#: eat~ FOOD | share~ a FOODKIND FOOD1 | drink~ BEVERAGE
  | sit~ in front of FOOD | enjoy~ FOOD | bite~ into a FOOD1
  | hold~ a plate of FOODS | cut~ a birthday cake | order~ FOOD
  | taste~ BEVERAGE | serve~ FOOD
MEAL_AT: *3 _ | *2 at a restaurant | at a dinner table | at a outdoor cafe
  | in a crowded diner | at a wooden table | at a party | *.5 in a pub
FOOD: a FOOD1 | a FOODKIND FOOD1 | a slice of SLICED | a plate of FOODS
  | a bowl of BOWLED
FOODKIND: large | fresh | hot | delicious | cheese | homemade | huge | greasy
FOOD1: pizza | sandwich | burger | salad | taco | hotdog | steak | waffle
  | pretzel | donut
SLICED: pizza | cake | pie | bread | watermelon | cheesecake
FOODS: pasta | fries | vegetables | pancakes | meat | shrimp | meatballs
  | spaghetti | sushi | eggs | sausages
BOWLED: soup | cereal | rice | ice cream | fruit | oatmeal | yogurt
BEVERAGE: coffee | wine | a glass of wine | a cup of tea | beer | lemonade
  | a milkshake

BEACH.#: WHO.# BEACH_WEAR.# BEACH_DO.# BEACH_TIME
BEACH_WEAR.#: *6 _ | *2 in a HUE SWIMSUIT | *1 with a SURF
BEACH_WEAR.p: *6 _ | *2 in HUE SWIMSUITS | *1 with SURFS
SWIMSUIT: wetsuit | swimsuit | bikini | sunhat
SWIMSUITS: wetsuits | swimsuits | bikinis | sunhats
SURF: surfboard | towel | bucket | snorkel
SURFS: surfboards | towels | buckets
BEACH_DO.#: surf~ a SIZE wave | ride~ a wave on a HUE surfboard
  | walk~ along the SAND | fly~ a HUE kite over the SAND
  | carry~ a surfboard into the SEA | swim~ in the SEA | play~ in the sand
  | lie~ on a HUE towel at the SAND | sit~ under a HUE umbrella on the SAND
  | paddle~ out into the SEA | build~ a sandcastle by the SEA
  | run~ into the waves | look~ for shells on the SAND | splash~ in the SEA
SAND: beach | sandy beach | shore | empty beach | tropical beach | coast
SEA: ocean | sea | water | blue water | surf
BEACH_TIME: *4 _ | *1 at sunset | *1 on a WEATHER day | *1 under a AIRSKY sky
  | *.5 at dawn | *.5 before a storm | *.5 at low tide

SNOW.#: WHO.# SNOW_WEAR.# SNOW_DO.# SNOW_TIME
SNOW_WEAR.#: *5 _ | *2 in a HUE PARKA | *1 wearing goggles | *1 on skis
SNOW_WEAR.p: *5 _ | *2 in HUE PARKAS | *1 wearing goggles | *1 on skis
PARKA: parka | snowsuit | ski jacket | beanie
PARKAS: parkas | snowsuits | ski jackets | beanies
SNOW_DO.#: ski~ down a SLOPE | snowboard~ down a SLOPE | climb~ a SNOWY hill
  | stand~ on top of a SNOWY mountain | ride~ a ski lift up the mountain
  | jump~ through the air over the snow | pose~ in front of a SNOWY SUMMIT
  | pull~ a sled across the snow | build~ a snowman near a SNOWY SUMMIT
  | adjust~ his~ ski boots | shovel~ snow off a SNOWY driveway
  | fall~ down in deep snow
SLOPE: SNOWY slope | SNOWY hill | mountain | SNOWY trail | ski run
SNOWY: snowy | steep | frozen | icy | high
SUMMIT: mountain | forest | cabin | lodge | peak | village
SNOW_TIME: *5 _ | *1 on a WEATHER day | *1 under a AIRSKY sky | *.5 in winter
  | *.5 in a blizzard

PARK.#: WHO.# PARK_WEAR.# PARK_DO.# PARK_AT OUTDOORS
PARK_WEAR.#: *4 _ | *1 in shorts | *1 wearing sunglasses | *1 in sandals
  | *.5 wearing headphones
PARK_DO.#: throw~ a frisbee | fly~ a HUE kite | sit~ on a BENCH
  | walk~ a DOGKIND dog | read~ a book | have~ a picnic
  | play~ with a DOGKIND dog | feed~ the POND | sleep~ on a BENCH
  | chase~ a frisbee | rest~ on a blanket | catch~ a frisbee | blow~ bubbles
  | take~ a photograph
BENCH: wooden bench | park bench | bench | stone bench | metal bench
PARK_AT: in a park | in a GRASSY field | under a tree | near a pond
  | on the grass | by the lake | in the shade | beside a playground
GRASSY: grassy | green | open | sunny | muddy
POND: ducks | pigeons | squirrels | geese | swans
DOGKIND: small | brown | brown and white | big | black | white | fluffy
  | spotted | shaggy

BALL.#: *1 BALLER.# BASEBALL.# BALLPARK
  | *1 WHO.# BALL_WEAR.# BASEBALL.# BALLPARK
  | *2 WHO.# BALL_WEAR.# SOCCER.# SOCCER_AT
BALL_WEAR.#: *3 _ | *2 in a HUE uniform | *1 in a HUE jersey
BALL_WEAR.p: *3 _ | *2 in HUE uniforms | *1 in HUE jerseys
BALLER.m: *3 a baseball player | *2 a batter | *2 a pitcher | *1 a catcher
  | *1 a umpire
BALLER.f: *3 a softball player | *1 a softball pitcher
BALLER.p: *3 COUNT baseball players | *1 two batters | *1 a team of players
BASEBALL.#: swing~ a bat at a ball | throw~ a baseball | run~ to first base
  | slide~ into home plate | wait~ for a pitch | hit~ a baseball | hold~ a bat
  | catch~ a fly ball in his~ glove | warm~ up for a game | steal~ second base
BALLPARK: *4 _ | *1 during a game | *1 in front of a crowd
  | *2 on a FIELDKIND field | *.5 at the stadium | *.5 beside the dugout
FIELDKIND: baseball | dirt | muddy | sunny | wet | dry
SOCCER.#: kick~ a soccer ball | play~ soccer | chase~ a soccer ball
  | run~ after a soccer ball | score~ a goal | practice~ soccer
  | defend~ the goal | celebrate~ a goal
SOCCER_AT: *3 _ | *3 on a GRASSY field | *1 in a GRASSY yard
  | *1 during a match | *.5 on a muddy pitch | *.5 at the stadium

TENNIS.#: *1 TENNIST.# TENNIS_DO.# TENNIS_AT
  | *2 WHO.# TENNIS_WEAR TENNIS_DO.# TENNIS_AT
TENNIS_WEAR: *4 _ | *2 in HUE shorts | *1 in a HUE visor | *1 in white
TENNIST.m: a male tennis player | a tennis player
TENNIST.f: a female tennis player | a tennis player
TENNIS_DO.#: hit~ a tennis ball | swing~ a racket | serve~ the ball
  | reach~ for the ball with his~ racket | return~ a serve | hold~ his~ racket
  | prepare~ to serve | jump~ to hit the ball | wipe~ his~ face with a towel
  | argue~ with the referee
TENNIS_AT: *3 _ | *4 on a COURTKIND court | *1 during a tennis match
  | *1 near the net | *1 in front of a crowd | *.5 at a tournament
COURTKIND: tennis | clay | blue | grass | green | indoor

SKATE.#: *1 SKATER.# SKATE_DO.# OUTDOORS
  | *2 WHO.# SKATE_WEAR.# SKATE_DO.# OUTDOORS
SKATE_WEAR.#: *3 _ | *1 in a HUE helmet | *1 wearing a HUE helmet
  | *.5 in kneepads
SKATE_WEAR.p: *3 _ | *1 in HUE helmets | *1 wearing HUE helmets
  | *.5 in kneepads
SKATER.m: a skateboarder | a teenage skateboarder
SKATER.f: a skateboarder | a female skateboarder
SKATER.p: two skateboarders | COUNT skaters | some teenagers
SKATE_DO.#: ride~ a skateboard SKATE_AT | do~ a trick SKATE_AT
  | jump~ over a OBSTACLE on a skateboard | grind~ down a metal rail
  | perform~ a flip SKATE_AT | carry~ his~ skateboard SKATE_AT
  | skate~ SKATE_AT | balance~ on a skateboard SKATE_AT
SKATE_AT: at a skate park | on a ramp | in a parking lot | down a handrail
  | in a empty pool | on a half pipe
OBSTACLE: bench | trash can | set of stairs | traffic cone | curb | ledge

HOME.#: WHO.# HOME_WEAR.# HOME_DO.# HOME_AT ASIDE
HOME_WEAR.#: *4 _ | *2 in HUE pajamas | *1 in HUE slippers
  | *1 wearing headphones
HOME_DO.#: watch~ television | play~ a video game | read~ a newspaper
  | sit~ on a HUE COUCH | lie~ on a HUE COUCH | hold~ a game controller
  | pet~ a HUE cat | look~ at a tablet | fold~ laundry | sleep~ under a blanket
  | wrap~ a present | vacuum~ the rug | knit~ a HUE sweater | hug~ a teddy bear
  | light~ a candle
COUCH: couch | sofa | chair | recliner | bed | armchair
HOME_AT: *3 _ | *2 in a ROOMKIND living room | *2 in a ROOMKIND bedroom
  | in front of a fireplace | at home | next to a lamp | by a window
  | *.5 near a christmas tree

OFFICE.#: WHO.# OFFICE_WEAR.# OFFICE_DO.# OFFICE_AT ASIDE
OFFICE_WEAR.#: *3 _ | *2 in a SUITKIND suit | *1 wearing glasses
  | *1 wearing a HUE tie
OFFICE_WEAR.p: *3 _ | *2 in SUITKIND suits | *1 wearing glasses
  | *1 wearing HUE ties
SUITKIND: dark | gray | black | blue | business
OFFICE_DO.#: work~ on a laptop | type~ on a keyboard | sit~ at a desk
  | talk~ on a phone | stare~ at a computer screen | sign~ a document
  | give~ a speech | look~ at a monitor | write~ in a notebook
  | point~ at a whiteboard | answer~ a email | print~ a report
OFFICE_AT: *4 _ | *2 in a office | *1 at a meeting | *1 in a conference room
  | *1 in a cubicle | *.5 at a library | *.5 in a classroom

MARKET.#: WHO.# MARKET_WEAR.# MARKET_DO.# MARKET_AT ASIDE
MARKET_WEAR.#: *4 _ | *2 with HUE bags | *1 in HUE sandals
  | *1 wearing HUE sunglasses
MARKETKIND: farmers | street | busy | local | outdoor | fish | flower
MARKET_AT: *2 _ | *4 at a MARKETKIND market | *2 in a STORE
MARKET_DO.#: buy~ FRUIT | sell~ FRUIT | pick~ out FRUIT | weigh~ FRUIT
  | pay~ for FRUIT | carry~ a basket of FRUIT | look~ at FRUIT
  | shop~ for FRUIT | load~ FRUIT into a crate | bargain~ over FRUIT
FRUIT: bananas | apples | oranges | fresh fruit | vegetables | flowers | grapes
  | strawberries | lemons | melons | peaches | cabbages
STORE: grocery store | supermarket | small shop | tent | parking lot

FARM.#: *2 WHO.# FARM_WEAR.# FARM_DO.# FARM_AT OUTDOORS
  | *1 FARMER.# FARM_DO.# FARM_AT OUTDOORS
FARM_WEAR.#: *4 _ | *2 in HUE overalls | *1 in HUE boots | *1 in HUE jeans
FARMER.m: a farmer | a cowboy | a shepherd
FARMER.f: a cowgirl | a farm girl
FARMER.p: two farmers | COUNT cowboys | COUNT riders
FARM_DO.#: ride~ a HUE horse | feed~ a CATTLE1 | lead~ a horse | milk~ a cow
  | herd~ COUNT sheep | drive~ a tractor | pet~ a CATTLE1 | brush~ a HUE horse
  | stack~ hay | shear~ a sheep | collect~ eggs
CATTLE1: cow | goat | sheep | horse | calf | pig | lamb | donkey | pony
FARM_AT: on a farm | in a barn | in a pasture | near a fence | across a field
  | behind a stable | on a ranch

HARBOR.#: WHO.# HARBOR_WEAR.# HARBOR_DO.# HARBOR_AT OUTDOORS
HARBOR_WEAR.#: *4 _ | *2 in HUE boots | *1 in HUE waders
  | *1 wearing HUE gloves
HARBOR_DO.#: row~ a SIZE boat | sit~ in a HUE boat | fish~ from a pier
  | paddle~ a canoe | paddle~ a HUE kayak | stand~ on a dock
  | paint~ a HUE boat | steer~ a sailboat | mend~ a net | board~ a ferry
  | tie~ a rope to a post | catch~ a SIZE fish
HARBOR_AT: *3 _ | on a river | on a calm lake | in the harbor
  | near a lighthouse | *.5 at the marina | *.5 under a bridge

STATION.#: WHO.# STATION_WEAR.# STATION_DO.# ASIDE
STATION_WEAR.#: *4 _ | *2 with a HUE suitcase | *1 with a heavy bag
STATION_WEAR.p: *4 _ | *2 with HUE suitcases | *1 with heavy bags
STATION_DO.#: wait~ for a train STATION_AT | board~ a HUE train
  | sit~ on his~ luggage STATION_AT | walk~ through a airport
  | pull~ a suitcase through a airport | board~ a airplane
  | wait~ at a gate in a airport | look~ at a map STATION_AT
  | buy~ a ticket STATION_AT | ride~ a subway train | wave~ from a train window
  | wait~ for a bus at a terminal
STATION_AT: on a platform | at a train station | in a subway station
  | beside the tracks

MUSIC.#: WHO.# MUSIC_WEAR.# MUSIC_DO.# MUSIC_AT ASIDE
MUSIC_WEAR.#: *4 _ | *1 in a HUE HATS
MUSIC_WEAR.p: *4 _ | *1 in HUE costumes
HATS: hat | gown | costume | wig | tuxedo | dress
MUSIC_DO.#: play~ a INSTRUMENT | play~ the INSTRUMENT | sing~ a song | dance~
  | clap~ his~ hands | sing~ into a microphone | tune~ a guitar
INSTRUMENT: guitar | piano | violin | drum | trumpet | flute | accordion
  | cello | saxophone
MUSIC_AT: on a stage | at a concert | at a wedding | in a band
  | in front of a audience | at a festival

BATHROOM: *4 VIEW a BATHKIND bathroom with BATHSET BATHMORE
  | *3 a HUE BATHTHING BE_UNDER in a BATHKIND bathroom
  | *2 VIEW a HUE BATHTHING next to a BATHTHING in a BATHKIND bathroom
  | *1 a BATHPET cat BE_ON a BATHTHING in a BATHKIND bathroom
  | *1 TOWELS hang~n on a wall beside a BATHTHING
BATHKIND: small | white | clean | tiled | modern | dirty | large | narrow
  | public | luxurious
BATHPET: gray | white | black | orange | small
BATHSET: a toilet | a sink | a SIZE mirror | a bathtub | a glass shower
  | a HUE shower curtain | two sinks | HUE tiles | a window
BATHMORE: *1 _ | *2 and BATHSET
BATHTHING: toilet | sink | bathtub | mirror | shower | bidet | cabinet
BE_UNDER: sits under a mirror | is below a window | is mounted to the wall
  | stands near a window | is covered with a towel | is being repaired
BE_ON: sitting on | sleeping in | standing on | drinking from
TOWELS: a HUE towel | a bathrobe | a roll of paper | a HUE towel rack

STOVE: *4 VIEW a KITCHENKIND kitchen with KITSET KITMORE
  | *2 VIEW a HUE KITTHING next to a KITTHING in a KITCHENKIND kitchen
  | *1 a KITTHING full of VEG sits on a TABLEKIND table
  | *1 a HUE kettle is boiling on a STOVEKIND stove next to a KITTHING
KITSET: a stove | a refrigerator | wooden cabinets | a white oven | a sink
  | a marble counter | a dishwasher | HUE walls | steel appliances | a island
  | a dining table | hanging pots
KITMORE: *1 _ | *2 and KITSET
KITTHING: stove | refrigerator | microwave | sink | toaster | oven | bowl
  | coffee maker | cutting board
STOVEKIND: gas | black | small | dirty | white | rusty

BEDROOM: VIEW a BEDKIND bed with HUE BEDDING next to a BEDSIDE
  | VIEW a BEDKIND bed in a ROOMKIND bedroom with HUE walls
  | VIEW a ROOMKIND bedroom with a BEDKIND bed and a BEDSIDE
  | a CATKIND cat sleeping on a BEDKIND bed with HUE BEDDING
  | a HUE teddy bear on a BEDKIND bed with HUE BEDDING
BEDKIND: large | neatly made | wooden | messy | small | bunk | hospital
BEDDING: sheets | pillows | blankets | curtains
BEDSIDE: lamp | window | nightstand | dresser | desk | wardrobe
ROOMKIND: small | bright | hotel | dark | cozy | simple | dim | spacious | warm
  | empty | elegant

LOUNGE: *2 VIEW a ROOMKIND living room with LOUNGESET LOUNGEMORE
  | VIEW a HUE COUCH in front of a LOUNGE1 in a ROOMKIND room
  | VIEW a LOUNGE1 next to a LOUNGE1 in a ROOMKIND living room
LOUNGESET: a HUE COUCH | a fireplace | a LOUNGE1 | two chairs | a rug
  | HUE curtains | a wooden floor
LOUNGEMORE: *1 _ | *2 and LOUNGESET
LOUNGE1: television | coffee table | bookshelf | window | piano | lamp
  | potted plant | chandelier

PLATE: VIEW a PLATEKIND plate of FOODS and SIDE PLATE_AT
  | VIEW a PLATEKIND plate with SIDE and SIDE PLATE_AT
  | VIEW a PLATEKIND bowl of BOWLED PLATE_AT
  | VIEW a FOODKIND FOOD1 on a PLATEKIND plate PLATE_AT
  | VIEW a FOODKIND FOOD1 with SIDE and SIDE
  | VIEW a slice of SLICED on a PLATEKIND plate next to a DINNERWARE
  | VIEW a FOODKIND birthday cake with CANDLES on a TABLEKIND table
  | VIEW a PLATEKIND HUE box filled with DONUTS PLATE_AT
PLATE_AT: *3 _ | *2 on a TABLEKIND table | *2 next to a DINNERWARE
  | *1 with a side of SIDE
SIDE: fries | rice | broccoli | salad | beans | cheese | tomatoes | lettuce
  | eggs | bacon | mustard | pickles | gravy
TABLEKIND: wooden | dining | kitchen | white | picnic | round
PLATEKIND: white | paper | plastic | small | square | glass | round
DINNERWARE: fork | cup of coffee | knife | glass of milk | spoon | napkin
CANDLES: candles | lit candles | pink frosting | berries | chocolate icing
DONUTS: donuts | cupcakes | croissants | assorted pastries | glazed donuts

TRAFFIC: *4 a VEHICLE ROLL.n ROLLING OUTDOORS
  | *3 COUNT VEHICLES ROLL.p ROLLING OUTDOORS
  | *2 a HUE VEHICLE1 is parked PARKED OUTDOORS
  | *1 COUNT VEHICLES are parked PARKED OUTDOORS
  | *1 a SIGNALKIND traffic light SIGNAL OUTDOORS
VEHICLE: HUE VEHICLE1 | VEHICLE1 | double decker bus | school bus
VEHICLE1: bus | truck | car | taxi | van | motorcycle | ambulance | tram
VEHICLES: cars | buses | trucks | motorcycles | taxis | vans | bicycles
ROLL.#: drive~ | travel~ | speed~ | turn~
ROLLING: down a STREETKIND street | through a tunnel | along a highway
  | through a intersection | past a ROADSIDE | over a bridge | up a hill
PARKED: on the side of a STREETKIND street | in a parking lot
  | in front of a ROADSIDE | next to a meter | behind a garage
  | near a gas station
SIGNAL: above a STREETKIND street | at a STREETKIND intersection
  | next to a ROADSIDE | hanging over a STREETKIND road | with a street sign
SIGNALKIND: red | green | yellow | broken | tall | lit | bright

RAIL: *3 a TRAINKIND train RAIL_DO.n OUTDOORS
  | *1 two TRAINKIND trains RAIL_DO.p OUTDOORS
  | *2 a TRAINKIND train with HUE cars RAIL_DO.n OUTDOORS
TRAINKIND: passenger | HUE | freight | long | steam | subway | commuter | old
RAIL_DO.#: travel~ down the tracks RAIL_AT | pull~ into a station
  | leave~ a station | pass~ a platform full of passengers
  | cross~ a bridge over a river | sit~ on the tracks RAIL_AT
  | wind~ along a cliff | blow~ smoke into the air
RAIL_AT: near a forest | beside a platform | through the countryside
  | under a bridge | near a mountain | past a old factory

AIR: *2 a AIRKIND HUE AIRCRAFT AIR_DO.n | *1 COUNT AIRKIND AIRCRAFTS AIR_DO.p
  | *1 a HUE and HUE AIRCRAFT AIR_DO.n
AIRKIND: large | small | passenger | military | vintage | shiny | cargo
AIRCRAFT: airplane | plane | helicopter | biplane | jet
AIRCRAFTS: airplanes | planes | jets | helicopters
AIR_DO.#: fly~ through a AIRSKY sky | land~ on a runway
  | take~ off from a airport | fly~ over a AIRLAND | sit~ on a runway
  | fly~ in formation over a AIRLAND | taxi~ toward a gate
  | be~ parked inside a hangar | leave~ a trail of smoke
AIRSKY: blue | cloudy | clear | gray | stormy | evening
AIRLAND: city | mountain | beach | field | stadium | desert | valley

WATER: *2 a BOATKIND HUE BOAT BOAT_DO.n BOAT_AT OUTDOORS
  | *1 a BOATKIND BOAT BOAT_DO.n BOAT_AT OUTDOORS
  | *1 COUNT BOATKIND BOATS BOAT_DO.p BOAT_AT OUTDOORS
BOAT: boat | sailboat | ship | ferry | canoe | yacht | tugboat | barge
BOATS: boats | sailboats | ships | canoes | kayaks | yachts
BOATKIND: small | fishing | wooden | large | old | abandoned
BOAT_DO.#: float~ | sail~ | be~ docked | be~ anchored | sit~ | drift~
BOAT_AT: on a calm lake | in a harbor | near a pier | on the river
  | under a bridge | by a rocky shore | near a lighthouse | at a marina

CAT: *3 a CATKIND CATTY CAT_DO.n CAT_AT | *1 COUNT CATKIND CATS CAT_DO.p CAT_AT
  | *.5 COUNT CATS CAT_DO.p CAT_AT
CATKIND: black | gray | black and white | white | orange | fluffy | striped
  | sleepy | calico | curious | fat
CATTY: *3 cat | *1 kitten
CATS: cats | kittens
CAT_DO.#: sleep~ on a CATBED | sit~ on a CATBED | lie~ on a CATBED
  | look~ out of a window | play~ with a CATTOY | hide~ under a CATBED
  | curl~ up in a CATBOX | stare~ at a CATPREY | lick~ his~ paws
  | climb~ out of a CATBOX | chase~ a CATPREY | yawn~ on a CATBED
CATBED: couch | bed | chair | laptop | windowsill | blanket | desk | rug
  | keyboard | cushion | radiator
CATTOY: ball of yarn | string | toy mouse | shoe | feather | ribbon
CATBOX: box | suitcase | basket | sink | bag | drawer
CATPREY: bird | fish tank | mirror | television | mouse | fly
CAT_AT: *5 _ | *1 in a ROOMKIND living room | *1 next to a LOUNGE1
  | *1 beside a lamp | *1 in the sunlight | *1 near a bookshelf
  | *1 next to a remote

DOG: *3 a DOGKIND DOGGY DOG_WEAR.n DOG_DO.n DOG_AT
  | *1 COUNT DOGKIND DOGS DOG_WEAR.p DOG_DO.p DOG_AT
  | *1 COUNT DOGS DOG_WEAR.p DOG_DO.p DOG_AT
DOGGY: dog | puppy | poodle | terrier | bulldog
DOGS: dogs | puppies | poodles
DOG_WEAR.#: *4 _ | *1 with a HUE collar | *1 on a leash | *.5 in a HUE bandana
DOG_WEAR.p: *4 _ | *1 with HUE collars | *1 on leashes | *.5 in HUE bandanas
DOG_DO.#: catch~ a frisbee | run~ through the grass | chew~ on a bone
  | sit~ in the back of a truck | lie~ on the floor | fetch~ a stick
  | swim~ after a tennis ball | stick~ his~ head out of a car window
  | bark~ at a squirrel | jump~ over a fence | dig~ a hole | wait~ by the door
  | shake~ off water | wag~ his~ tail
DOG_AT: *4 _ | *1 in a yard | *1 at a park | *1 on a beach | *1 near a pond
  | *1 on a porch | *1 in a GRASSY field

HERD: *2 a CATTLEKIND CATTLE1 GRAZE.n OUTDOORS
  | *2 a herd of CATTLEKIND CATTLE GRAZE.n OUTDOORS
  | *2 COUNT CATTLEKIND CATTLE GRAZE.p OUTDOORS
  | *1 a mother CATTLE1 and her baby GRAZE.p OUTDOORS
  | *1 COUNT CATTLE GRAZE.p OUTDOORS
CATTLEKIND: brown | white | black | lone | young | spotted | woolly
CATTLE: cows | sheep | cattle | horses | goats | donkeys
GRAZE.#: graze~ on a GRASSY hill | stand~ in a GRASSY pasture
  | eat~ grass in a GRASSY field | drink~ from a trough | rest~ under a tree
  | walk~ along a fence | look~ over a fence | lie~ in the hay in a barn
  | cross~ a dirt road | wander~ across a meadow

WILD: *2 a WILDKIND WILD1 WILD_DO.n WILD_AT OUTDOORS
  | *2 COUNT WILDKIND WILDS WILD_DO.p WILD_AT OUTDOORS
  | *1 a herd of WILDKIND WILDS WILD_DO.n WILD_AT OUTDOORS
  | *1 a mother WILD1 and her baby WILD_DO.p WILD_AT OUTDOORS
  | *1 COUNT WILDS WILD_DO.p WILD_AT OUTDOORS
WILDKIND: large | tall | young | baby | lone | brown | wild | adult
WILD1: giraffe | elephant | zebra | bear | lion | rhino | antelope | monkey
  | buffalo
WILDS: giraffes | elephants | zebras | bears | lions | antelopes | monkeys
WILD_DO.#: stand~ next to a tree | walk~ through tall grass | eat~ leaves
  | drink~ from a river | graze~ | lie~ on a rock | cross~ a stream
  | play~ with a log | roll~ in the mud | bathe~ in a waterhole
WILD_AT: at the zoo | in the wild | in a dry field | on the savanna
  | in a enclosure | near a waterfall | in the jungle

BIRD: *2 a BIRDKIND BIRD1 BIRD_DO.n OUTDOORS
  | *2 a SIZE HUE BIRD1 BIRD_DO.n OUTDOORS
  | *2 COUNT BIRDKIND BIRDS BIRD_DO.p OUTDOORS
  | *1 a flock of BIRDKIND BIRDS BIRD_DO.n OUTDOORS
  | *1 a BIRDKIND BIRD1 with BIRDPART BIRD_DO.n OUTDOORS
  | *1 COUNT BIRDS BIRD_DO.p OUTDOORS
BIRDKIND: small | HUE | colorful | large | tiny | lone | noisy
BIRD1: bird | seagull | owl | duck | parrot | pigeon | eagle | hummingbird
  | swan | heron
BIRDS: birds | seagulls | ducks | pigeons | geese | crows | penguins
BIRDPART: HUE feathers | a long beak | spread wings
BIRD_DO.#: perch~ on a BRANCH | sit~ on a BRANCH | fly~ over the SEA
  | swim~ in a pond | stand~ on a beach | eat~ seeds from a feeder
  | fly~ in a clear sky | rest~ on a BRANCH | look~ for food in the mud
  | build~ a nest in a tree | spread~ his~ wings
BRANCH: branch | tree branch | wire | fence post | roof | railing
  | telephone pole | snowy branch

TOWN: *2 VIEW a SIZE HUE clock CLOCK_AT
  | *2 VIEW a SIZE HUE building with TOWNSET TOWNMORE
  | *1 a SIZE HUE clock tower TOWER.n OUTDOORS
  | *2 VIEW a STREETKIND street lined with TOWNSET TOWNMORE
  | *1 VIEW a SIGNKIND street sign SIGN_AT OUTDOORS
  | *1 VIEW a SIGNKIND stop sign SIGN_AT OUTDOORS
CLOCK_AT: on the side of a brick building | hanging from a ceiling
  | on a pole in a town square | above a church door | inside a station
TOWER.#: rise~ above a STREETKIND square | stand~ over the city
  | overlook~ a STREETKIND street
TOWNSET: a clock | tall windows | a tower | flags | parked cars | tall trees
  | small shops | balconies | a red door | graffiti | street lamps
TOWNMORE: *1 _ | *1 and TOWNSET
SIGN_AT: on a STREETKIND street corner | in front of a brick building
  | covered in snow | next to a STREETKIND road | on a metal pole
  | hidden by leaves
SIGNKIND: red | large | rusty | bent | green | faded | broken | wooden

TABLETOP: *1 VIEW a HUE laptop and a THING THING_AT
  | *2 VIEW a THING next to a THING THING_AT
  | *2 VIEW a THING and a THING THING_AT | *1 VIEW a pair of HUE PAIR THING_AT
  | *1 VIEW a desk with a THING and a THING
THING: laptop | keyboard | mouse | book | phone | cup of coffee | lamp
  | monitor | pen | notebook | printer | camera | calculator
PAIR: scissors | glasses | headphones | shoes | gloves | socks
THING_AT: on a DESKKIND desk | on a TABLEKIND table | on the floor | on a shelf
  | beside a window
DESKKIND: wooden | cluttered | glass | tidy | metal

GARDEN: VIEW a SIZE vase of HUE BLOOMS VASE_AT
  | VIEW a HUE vase filled with HUE BLOOMS VASE_AT
  | HUE BLOOMS growing GROW_AT OUTDOORS
  | COUNT HUE BLOOMS in a HUE VESSEL VASE_AT
BLOOMS: flowers | roses | tulips | daisies | sunflowers | lilies | orchids
VESSEL: vase | pot | glass jar | basket | bucket
VASE_AT: on a TABLEKIND table | by a window | on a balcony | on a shelf
GROW_AT: in a garden | along a fence | next to a path | beside a stone wall
  | in front of a cottage | in a greenhouse
"""
